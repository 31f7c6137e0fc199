// CSV as the service writes it, and as people upload it, into columns of numbers.

export interface Table {
  names: string[];
  columns: (number | null)[][];
}

const toNumber = (field: string): number | null => {
  const value = field === '' ? NaN : Number(field);
  return Number.isFinite(value) ? value : null;
};

/** Without quotes: metrics. 100,000 lines take some tens of milliseconds. */
export function parseMetrics(text: string): Table {
  const lines = text.split('\n');
  const names = (lines[0] ?? '').trim().split(',');
  const columns: (number | null)[][] = names.map(() => []);
  for (let i = 1; i < lines.length; i++) {
    if (lines[i] === '') continue;
    const fields = lines[i]!.split(',');
    for (let j = 0; j < names.length; j++) columns[j]!.push(toNumber(fields[j] ?? ''));
  }
  return { names, columns };
}

/** RFC 4180 rows of text. */
export function parseRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [], field = '', quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') field += text[++i];
      else quoted = false;
    } else if (c === '"' && field === '') quoted = true;
    else if (c === ',') {
      row.push(field);
      field = '';
    } else if (c === '\n') {
      row.push(field.replace(/\r$/, ''));
      rows.push(row);
      row = [];
      field = '';
    } else field += c;
  }
  if (field !== '' || row.length > 0) rows.push([...row, field]);
  return rows.filter((one) => one.length > 1 || one[0] !== '');
}

export const column = (table: Table, name: string): (number | null)[] | undefined => {
  const at = table.names.indexOf(name);
  return at < 0 ? undefined : table.columns[at];
};

/** An exponential mean with this weight for what was before; 0 leaves the values as they are. */
export function smooth(values: (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return values;
  let mean = 0, mass = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = weight * mean + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return mean / mass;
  });
}
