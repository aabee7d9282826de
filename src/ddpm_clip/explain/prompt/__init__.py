"""Which words, and which parts of the condition, matter?

- `bottleneck`: a direction in the lowest level of the network, and what adding it does
- `class_readout`: a linear regression of the judge's probability that has a gradient everywhere
- `condition_parts`: split a condition: average picture, modality gap, class directions, the rest
- `embedding`: which part of the condition makes the picture, by integrated gradients
- `lowest_level`: read and change the smallest feature map of a network by a forward hook
- `path`: integrated gradients along the line of conditions, and their deletion test
- `prompt_game`: cooperative games whose players are pieces of a prompt
- `words`: which words of the prompt count, and which characters of the strongest word
"""
