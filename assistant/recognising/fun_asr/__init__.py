"""Fun-ASR through transformers' own classes: the model folder as published, loaded as data, batched, on GPU or CPU."""
