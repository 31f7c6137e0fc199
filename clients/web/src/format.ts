// Numbers, times and sizes as people read them.

export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(digits - 2).replace('e+', 'e');
  return String(Number(value.toPrecision(digits)));
}

export function count(value: number): string {
  return value.toLocaleString('en').replace(/,/g, '\u202f');
}

export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (value < 0.01) return '< 0.01 s';
  if (value < 10) return `${value.toFixed(2)} s`;
  if (value < 60) return `${value.toFixed(0)} s`;
  const minutes = Math.floor(value / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(value % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

const clock = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit',
});

export const time = (iso: string | null): string => (iso ? clock.format(new Date(iso)) : '–');

export const timeOfDay = (iso: string): string => iso.slice(11, 23);

export function ago(iso: string | null, now = Date.now()): string {
  if (!iso) return '–';
  const passed = (now - Date.parse(iso)) / 1000;
  if (passed < 5) return 'just now';
  if (passed < 60) return `${Math.floor(passed)} s ago`;
  if (passed < 3600) return `${Math.floor(passed / 60)} min ago`;
  if (passed < 86400) return `${Math.floor(passed / 3600)} h ago`;
  return time(iso);
}

/** "qlstm chen2024, 6 qubits + dense": the layers of a spec. */
export function modelName(layers: ({ type: string } & Record<string, unknown>)[]): string {
  return layers
    .map((layer) => {
      const parts = [layer.type];
      if (typeof layer.variant === 'string') parts.push(layer.variant);
      if (typeof layer.n_qubits === 'number') parts.push(`${layer.n_qubits} qubits`);
      else if (typeof layer.hidden_size === 'number') parts.push(`${layer.hidden_size} hidden`);
      return parts.join(' ');
    })
    .filter((name, i) => !(name === 'dense' && i === layers.length - 1 && layers.length > 1))
    .join(' → ');
}
