"""Files: the container, and the codecs that several results share."""
