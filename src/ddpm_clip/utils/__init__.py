"""Leaves: tensors, device, visualization, plots. They import nothing of ours."""
