"""A file such as the UCI household power consumption, 130 MB: `household.py FILE [ROWS]` writes it."""
import datetime
import random
import sys

ROWS = 2_075_259
HEADER = ("Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity;Sub_metering_1;Sub_metering_2;"
          "Sub_metering_3\n")


def write(path, rows=ROWS, seed=1):
    """A row a minute from 16/12/2006 17:24:00; one in eighty lacks all its values, as in the original."""
    rng = random.Random(seed)
    at, minute = datetime.datetime(2006, 12, 16, 17, 24), datetime.timedelta(minutes=1)
    tails = [f"{rng.uniform(0.1, 11):.3f};{rng.uniform(0, 1.4):.3f};{rng.uniform(223, 254):.3f};{rng.uniform(0.2, 48):.3f};"
             f"{rng.randrange(80)}.000;{rng.randrange(80)}.000;{rng.randrange(31)}.000\n" for _ in range(79)] + ["?;?;?;?;?;?;\n"]
    with open(path, "w") as file:
        file.write(HEADER)
        for _ in range(rows):
            file.write(f"{at.day}/{at.month}/{at.year};{at:%H:%M:%S};" + tails[rng.randrange(80)])
            at += minute


if __name__ == "__main__":
    write(sys.argv[1], *map(int, sys.argv[2:3]))
