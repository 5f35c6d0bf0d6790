"""What leaves the house: weights, graphs, a project in plain PyTorch, a notebook, a report, a bundle; and the way back.

formats    what can be exported, in words, and what writes it
source     a run as an export reads it: checkpoint, classes, history
write      one export; where the file goes, and what may go wrong there
weights    state_dict as .pt and .safetensors
graph      ONNX and torch.export, checked before they are handed out
project    model.py, train.py, predict.py from templates/; notebook
report     one HTML file; card: the model card
bundle     the whole run in one file; unpacking brings it back
"""
