"""Editions that are never built: who would get what, how large, how long it would take. Reads, and writes nothing.

The rules are those of the real run: the periods that are due, each edition as of its due instant, the windows, the
choosing. What is not there is the past: the first simulated edition finds readers who have had nothing, so nothing that
was sent stands in the way. What they get is remembered from edition to edition, in memory, until the end.
"""

from digest.flows.simulate.outline import Outline as Outline
from digest.flows.simulate.outline import outline as outline
from digest.flows.simulate.report import Simulation as Simulation
from digest.flows.simulate.report import Sizes as Sizes
from digest.flows.simulate.report import Story as Story
from digest.flows.simulate.report import Turn as Turn
from digest.flows.simulate.simulator import run as run
