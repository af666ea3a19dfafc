"""The paper's experiments, remade on its own terms: docs/paper.md tells the results. Nothing is served."""
