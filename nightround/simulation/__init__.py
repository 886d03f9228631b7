"""The sandbox put to use: the demo, the twin, the drill. The only room that may import the sandbox."""
