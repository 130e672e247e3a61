"""A whole shop, day by day, with incidents whose truth is known.

Nothing here reads a warehouse; nothing that detects, forecasts or reports may import this.
"""

from ecom_assets.simulation.config import ConfigError, SimulationConfig, load_config
from ecom_assets.simulation.files import simulate_files
from ecom_assets.simulation.incidents import KINDS, Incident
from ecom_assets.simulation.simulator import Simulator

__all__ = ["KINDS", "ConfigError", "Incident", "SimulationConfig", "Simulator", "load_config", "simulate_files"]
