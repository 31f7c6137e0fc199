// The values of a data set, as the service understood them.
import { getText, type Dataset } from './api';
import { parseRows, type Table } from './table';

const MAX_VALUES = 1e6; // what is loaded to be drawn

export const tooLarge = (set: Dataset): boolean => set.rows * set.columns.length > MAX_VALUES;

/** All rows; columns that hold no number are of nulls. */
export async function loadTable(set: Dataset): Promise<Table> {
  if (tooLarge(set)) throw new Error('too large to be loaded here');
  const [names = [], ...rows] = parseRows(await getText(`/datasets/${set.id}/export`));
  const value = (field: string | undefined) => (field === undefined || field === '' || Number.isNaN(Number(field)) ? null : Number(field));
  return { names, columns: names.map((_, j) => rows.map((row) => value(row[j]))) };
}
