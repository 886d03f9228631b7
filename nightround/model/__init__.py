"""The frozen types that flow from one step to the next. They hold no behaviour but naming."""
