"""tq42.compute. The words are taken and kept; a run has what the service gives it (`qlstmd --threads --memory`)."""

from __future__ import annotations

from dataclasses import dataclass

from .messages import HardwareProto
from .resource import PrettyList


@dataclass
class HardwareConfig:
    name: str
    cpu: str = "that of the service"
    memory: str = "that of the service"
    storage: str = "that of the service"
    gpu: str = ""


class Compute:
    def __init__(self, hardware: int = 0) -> None:
        self.hardware = hardware
        self.config = HardwareConfig(HardwareProto.Name(hardware))

    def __repr__(self) -> str:
        return f"<Compute Id={self.hardware} Name={self.config.name}>"

    def __str__(self) -> str:
        return str(self.config)

    def show_details(self) -> HardwareConfig:
        return self.config


def list_all() -> PrettyList[Compute]:
    return PrettyList([Compute(number) for _, number in HardwareProto.items() if number != 0])
