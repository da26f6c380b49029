"""From a media file to timed clips of speech: opened carefully, decoded in a child that may be killed, cut at pauses."""
