"""Signals: which moments of a time series made the network say that?"""

from cnnfix_core.signals.explained import SignalExplanation, explain_signal
from cnnfix_core.signals.model import SignalModel
from cnnfix_core.signals.series import SignalError, read_series
from cnnfix_core.signals.shipped import load_signal_model

__all__ = ["SignalError", "SignalExplanation", "SignalModel", "explain_signal", "load_signal_model", "read_series"]
