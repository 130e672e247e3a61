"""What customers' words say: frames of texts in, frames of numbers out. Reads no table and no file."""

from ecom_assets.text.polarity import CLEAR_POLARITY, contradicts, feedback_polarity, polarity

__all__ = ["CLEAR_POLARITY", "contradicts", "feedback_polarity", "polarity"]
