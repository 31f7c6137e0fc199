"""Experiments to send, made from schema/experiment.schema.json: a new field, layer or choice comes in by itself."""
import copy
import json

from random_values import Values, spoil, spoil_text

# A spec without these would train for minutes: they are nearly always there.
BOUNDED = {"epochs": [1, 1, 1, 2, 2, 3], "max_seconds": [2, 5, 10, 10, 20]}


class Specs:
    def __init__(self, rng, schema, recipes, tables, builtin):
        self.rng = rng
        self.schema = schema
        self.recipes = recipes  # specs as they stand in schema/recipes
        self.tables = tables    # the uploads known so far; the caller's list, which grows
        self.builtin = builtin  # names
        self.table = None       # of the spec at hand
        self.values = Values(rng, schema, {
            "dataset": self.dataset, "inputs": self.columns, "targets": self.columns,
            "epochs": lambda field: self.bounded("epochs", field),
            "max_seconds": lambda field: self.bounded("max_seconds", field),
            "seed": lambda field: rng.choice([1, 2, 0, field["maximum"], rng.randint(0, 2**53 - 1)])})

    def bounded(self, name, field):
        if self.rng.random() < 0.97:
            return self.rng.choice(BOUNDED[name])
        return Values(self.rng, self.schema, beside=0.5).make(field)

    def dataset(self, field):
        if self.table is None or self.rng.random() < 0.02:
            return self.rng.choice([*self.builtin, self.values.make_string(field)])
        return self.rng.choice([self.table.name, self.table.id])

    def columns(self, _):
        known = self.table.columns if self.table is not None else ["value", 0]
        if self.rng.random() < 0.05:
            known = [*known, "nobody", -1, 99, "", 0.5]
        return self.rng.choices(known, k=self.rng.choice([1, 1, 2, 3]))

    def tree(self):
        """One spec in its long form. Not all that a schema allows fits together: see `mend`."""
        self.table = self.rng.choice(self.tables) if self.tables and self.rng.random() < 0.95 else None
        tree = self.values.make(self.schema)
        for part, name in (("data", "dataset"), ("training", "epochs"), ("limits", "max_seconds")):
            if name not in tree.get(part, {}) and self.rng.random() < 0.97:
                field = self.schema["$defs"][part]["properties"][name]
                tree.setdefault(part, {})[name] = self.values.make(field, name)
        return tree

    def recipe(self):
        """One of the papers' experiments, cut down; half the time on a small data set."""
        tree = copy.deepcopy(self.rng.choice(self.recipes))
        tree.setdefault("training", {})["epochs"] = self.rng.choice(BOUNDED["epochs"])
        tree["limits"] = {"max_seconds": self.rng.choice(BOUNDED["max_seconds"])}
        if self.tables and self.rng.random() < 0.5:
            self.table = self.rng.choice(self.tables)
            tree["data"].update(dataset=self.table.name, window=self.rng.randint(1, 5))
            tree["data"].pop("inputs", None)
            tree["data"].pop("targets", None)
        return tree

    def shorten(self, tree):
        """The fields of the first layer to the top level, or into model."""
        layers = tree.get("model", {}).get("layers") or [{}]
        layer = dict(layers[0])
        if layer.get("type") == "qlstm" and self.rng.random() < 0.5:
            del layer["type"]
        tree = {key: value for key, value in tree.items() if key != "model"}
        if self.rng.random() < 0.7:
            return {**layer, **tree}
        return {**tree, "model": layer}

    def make(self):
        draw = self.rng.random()
        tree = self.recipe() if draw < 0.15 else self.tree()
        if draw > 0.65:
            tree = self.shorten(tree)
        while self.rng.random() < 0.15:
            spoil(self.rng, tree)
        return tree

    def text(self, tree):
        """A spec's bytes, in one of the ways to write JSON; now and then not quite JSON."""
        text = json.dumps(tree, ensure_ascii=self.rng.random() < 0.7, indent=self.rng.choice([None, None, None, 1]),
                          allow_nan=True).encode(errors="surrogatepass")
        return spoil_text(self.rng, text) if self.rng.random() < 0.05 else text

    def mend(self, tree, pointer):
        """Takes out what a refusal points at, so that its default counts: a few rounds, and most are accepted."""
        tree = copy.deepcopy(tree)
        parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        place = tree
        try:
            for part in parts[:-1]:
                place = place[int(part)] if isinstance(place, list) else place[part]
            del place[int(parts[-1]) if isinstance(place, list) else parts[-1]]
        except (KeyError, IndexError, TypeError, ValueError):  # a default is in the way of another field
            for name in ("window", "horizon", "split"):
                if parts[:1] == ["data"] and isinstance(tree.get("data"), dict) and name in tree["data"]:
                    del tree["data"][name]
                    return tree
            layers = tree["model"].get("layers") if isinstance(tree.get("model"), dict) else None
            if layers and isinstance(layers, list):
                layers.pop()
        return tree
