"""What an agent knows: documents that are read, cut into passages, indexed and searched.

documents   the verbs: add, list, change, delete
indexing    the job that makes passages of a document
reading     a file becomes text, in a child process (`parse`) that may do nothing else
crawling    pages of a website, through the guarded door
searching   the passages that answer a question
"""
