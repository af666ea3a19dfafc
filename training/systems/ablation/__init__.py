"""Which preprocessing is redundant: every input and transform turned off in turn.

Source of the question: Choi, Fazekas, Cho and Sandler, "A Comparison of Audio Signal Preprocessing Methods
for Deep Neural Networks on Music Tagging", EUSIPCO (2018).
"""
