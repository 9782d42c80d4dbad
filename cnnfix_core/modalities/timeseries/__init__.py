"""Time series: which time steps led to the prediction?"""

from cnnfix_core.modalities.timeseries.explained import SignalExplanation, explain_signal
from cnnfix_core.modalities.timeseries.files import UNKNOWN, signal_csv, signal_json, signal_words
from cnnfix_core.modalities.timeseries.model import SignalModel
from cnnfix_core.modalities.timeseries.reading import MOST_SERIES, SeriesTable, read_series, read_series_table
from cnnfix_core.modalities.timeseries.series import SignalError
from cnnfix_core.modalities.timeseries.shipped import load_signal_model

__all__ = [
    "MOST_SERIES",
    "UNKNOWN",
    "SeriesTable",
    "SignalError",
    "SignalExplanation",
    "SignalModel",
    "explain_signal",
    "load_signal_model",
    "read_series",
    "read_series_table",
    "signal_csv",
    "signal_json",
    "signal_words",
]
