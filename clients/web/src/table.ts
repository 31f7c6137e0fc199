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
export function parseRows(text: string, separator = ','): string[][] {
  const rows: string[][] = [];
  let row: string[] = [], field = '', quoted = false;
  const blank = separator === ' ';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') field += text[++i];
      else quoted = false;
    } else if (c === '"' && field === '') quoted = true;
    else if (c === separator) {
      if (!blank || field !== '') row.push(field);
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

const WORDS: Record<string, string> = { tab: '\t', blanks: ' ', blank: ' ', none: '\n', '\\t': '\t' };

/** An upload by what the service understood of it; columns that hold no number are of nulls. */
export function parseUpload(text: string, names: string[], dialect: Record<string, unknown> = {}): Table {
  const said = String(dialect.separator ?? ',');
  const separator = WORDS[said] ?? said;
  const comment = typeof dialect.comment === 'string' ? dialect.comment : '';
  const decimal = dialect.decimal === ',' ? ',' : '.';
  const lines = text.split('\n').slice(Number(dialect.skip_rows ?? 0));
  const kept = comment ? lines.filter((line) => !line.startsWith(comment)) : lines;
  let rows = parseRows(kept.join('\n'), separator).slice(Number(dialect.header ?? 1));
  if (dialect.turned) rows = rows.reverse();
  const thousands = String(dialect.thousands ?? 'none');
  const clean = (field: string): string => {
    let value = field.trim();
    if (thousands.length === 1) value = value.split(thousands).join('');
    return decimal === ',' ? value.replace(',', '.') : value;
  };
  return { names, columns: names.map((_, j) => rows.map((row) => toNumber(clean(row[j] ?? '')))) };
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
