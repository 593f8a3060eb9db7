"""Other people's tools: servers of the Model Context Protocol, over Streamable HTTP and nothing else.

connectors   a server as its organisation knows it: rows and secrets
tools        what a server says of its tools, made fit to read, and told apart from what was approved
schemas      the JSON Schema of a tool's arguments, cut down to what is safe to check against
connecting   listing the tools now; approving them
session      the calls of one turn
wire         the mcp library (slow to load: only when a server is called)
oauth        signing in at a server, and staying signed in (loads the library too)

A server is a stranger. It gets its own credentials, the arguments of the calls made of it, and nothing else; what it says is cleaned,
capped, and data.
"""
