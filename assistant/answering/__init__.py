"""From a question to moments and a verdict. Calls the rooms that hear, embed and find; decides little itself."""
