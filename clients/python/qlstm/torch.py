"""A trained run as a torch.nn.Module, in float64, with gradients: it can be trained on.

    module = qlstm.torch.Module("weights.safetensors")      # a path, bytes, or run.weights()
    module([[[0.1], [0.3], [0.5], [0.6]]])                  # raw values in, raw values out

Its parameters have the names of the tensors (`layers.0.circuits`), so that load_state_dict takes a file of safetensors.
"""

from __future__ import annotations

from typing import Any

import torch

from .numpy import Model
from .weights import Source, network


class Module(torch.nn.Module, Model):  # type: ignore[misc]
    """`module(X)` as `qlstm.numpy.Model`; `module.scaled(X)` is the network itself, on scaled values, logits of
    classes."""

    xp = torch
    erfc = staticmethod(torch.erfc)

    def __init__(self, source: Source) -> None:
        torch.nn.Module.__init__(self)
        weights = network(source)
        self.spec, self.scaling = weights.spec, weights.scaling
        for name, value in weights.items():
            *path, leaf = name.split(".")
            place = self
            for step in path:
                if step not in place._modules:
                    place.add_module(step, torch.nn.Module())
                place = place._modules[step]
            tensor = torch.tensor(value, dtype=torch.float64)
            if leaf.startswith("running_"):  # of batch normalisation: it is not trained
                place.register_buffer(leaf, tensor)
            else:
                place.register_parameter(leaf, torch.nn.Parameter(tensor))

    @property
    def tensors(self) -> dict[str, Any]:
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}

    def array(self, values: Any) -> Any:
        return values.double() if isinstance(values, torch.Tensor) else torch.tensor(values, dtype=torch.float64)

    def forward(self, X: Any) -> Any:
        return Model.forward(self, X)
