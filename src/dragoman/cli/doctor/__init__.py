"""`dragoman doctor`: what is wrong with this installation and with the connection of its numbers, one line each, with the remedy."""
