"""From a media file to timed clips of speech: opened with care, decoded in a child, cut at pauses."""
