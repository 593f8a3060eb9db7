"""One module for each kind of file, with one function `read(data, told) -> Text`. They are loaded in the child process only."""
