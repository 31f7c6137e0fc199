"""Experiments to send, made from schema/experiment.schema.json: a new field, layer or choice comes in by itself."""
import copy
import json

from random_values import Values, spoil, spoil_text

# A spec without these would train for minutes: they are nearly always there.
BOUNDED = {"epochs": [1, 1, 1, 2, 2, 3], "max_seconds": [2, 5, 10, 10, 20]}
# (part, field, how often it is put in where chance left it out)
WANTED = [("data", "dataset", 0.97), ("training", "epochs", 0.97), ("limits", "max_seconds", 0.97),
          ("model", "layers", 0.95), ("training", "optimizer", 0.5), ("data", "window", 0.5), ("data", "horizon", 0.3)]


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
            "n_qubits": lambda field: rng.choice([self.values.make_integer(field), rng.randint(2, 8)]),
            "horizon": lambda field: rng.choice([1, 1, 2, self.values.make_integer(field), sorted(rng.sample(range(1, 9), 3))]),
            "snapshots": lambda field: sorted(rng.sample([1, 1, 2, 3], rng.randint(0, 2))),
            "folds": lambda field: {"count": rng.choice([2, 2, 3, 1])},
            "split": lambda field: {"train": rng.choice([0.5, 0.8, rng.random(), self.values.make_number(
                field["properties"]["train"])])},
            "seed": lambda field: rng.choice([1, 2, 0, field["maximum"], rng.randint(0, 2**53 - 1)])}, share=0.55)

    def bounded(self, name, field):
        if self.rng.random() < 0.97:
            return self.rng.choice(BOUNDED[name])
        return Values(self.rng, self.schema, beside=0.5).make(field)

    def dataset(self, field):
        if self.table is None or self.rng.random() < 0.02:
            return self.rng.choice([*self.builtin, self.values.make_string(field)])
        return self.rng.choice([self.table.name, self.table.id])

    def columns(self, _):
        known = self.table.columns if self.table is not None else [["value", 0]]
        if self.rng.random() < 0.03:
            known = [*known, *known, ["nobody", -1, 99, "", 0.5]]
        count = min(len(known), self.rng.choice([1, 1, 2, 3]))
        return [self.rng.choice(names) for names in self.rng.sample(known, count)] or [0]

    def choose_table(self):
        """One to use next; small ones are for the refusals."""
        large = [table for table in self.tables if table.rows > 5 and table.columns]
        draw = self.rng.random()
        self.table = self.rng.choice(large) if large and draw < 0.9 else None
        if self.tables and draw > 0.95:
            self.table = self.rng.choice(self.tables)

    def tree(self):
        """One spec in its long form. Not all that a schema allows fits together: see `mend`."""
        self.choose_table()
        tree = self.values.make(self.schema)
        for part, name, often in WANTED:
            field = self.schema["$defs"][part]["properties"][name]
            present = tree.setdefault(part, {})
            if not self.values.belongs(field, present, self.schema["$defs"][part]["properties"]):
                continue
            if not any(other in present for other in (name, *field.get("x-aliases", ()))) and self.rng.random() < often:
                present[name] = self.values.make(field, name)
        return tree

    def recipe(self):
        """One of the papers' experiments, cut down; half the time on a small data set."""
        tree = copy.deepcopy(self.rng.choice(self.recipes))
        tree.setdefault("training", {})["epochs"] = self.rng.choice(BOUNDED["epochs"])
        tree["limits"] = {"max_seconds": self.rng.choice(BOUNDED["max_seconds"])}
        self.choose_table()
        if self.table is not None and self.rng.random() < 0.5:
            tree["data"].update(dataset=self.table.name, window=self.rng.randint(1, 5))
            tree["data"].pop("inputs", None)
            tree["data"].pop("targets", None)
        return tree

    def shorten(self, tree):
        """The fields of the first recurrent layer to the top level, or into model."""
        layers = tree.get("model", {}).get("layers") or [{}]
        layer = dict(next((layer for layer in layers if layer.get("type") != "dense"), layers[0]))
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
        """Makes smaller or takes out what a refusal points at: a few rounds, and most are accepted."""
        tree = copy.deepcopy(tree)
        parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        place = tree
        if parts == ["data", "window"] and isinstance(tree.get("data"), dict):  # it is too long with its horizon
            tree["data"].update(window=self.rng.choice([1, 1, 2]), horizon=self.rng.choice([1, 1, 2]))
            return tree
        try:
            for part in parts[:-1]:
                place = place[int(part)] if isinstance(place, list) else place[part]
            key = int(parts[-1]) if isinstance(place, list) else parts[-1]
            if isinstance(place[key], int) and self.rng.random() < 0.6:
                place[key] = self.rng.choice([place[key] // 2, place[key] + self.rng.randint(1, 6), 1])
            else:
                del place[key]
        except (KeyError, IndexError, TypeError, ValueError):  # a default is in the way of another field
            data, model = tree.get("data"), tree.get("model")
            layers = model.get("layers") if isinstance(model, dict) else None
            if parts[:1] == ["data"] and isinstance(data, dict):
                data.pop(self.rng.choice(list(data)) if data else "", None)
            elif layers and isinstance(layers, list):
                layers.pop(self.rng.randrange(len(layers)))
        return tree
