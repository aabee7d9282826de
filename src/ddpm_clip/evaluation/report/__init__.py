"""One evaluation of a model: what is painted, which parts are measured, how it is written down."""
