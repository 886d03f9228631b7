"""The sandbox put to use: the demo. The only room that may import the sandbox."""
