// The values of a data set, as far as the page needs them.
import { request, type Dataset } from './api';
import { parseUpload, type Table } from './table';

export const MAX_SHOWN = 4 << 20; // bytes

/** All rows, or those of the first 4 MiB. Of files that are CSV or built in. */
export async function loadTable(set: Dataset): Promise<Table> {
  if ((set.kind !== 'csv' && set.kind !== 'series') || set.description.compression) throw new Error('no CSV');
  const part = !set.builtin && set.bytes > MAX_SHOWN;
  const reply = await request('GET', `/datasets/${set.id}/content`, part ? { headers: { Range: `bytes=0-${MAX_SHOWN - 1}` } } : {});
  const packed = new Uint8Array(await reply.arrayBuffer());
  const dialect = set.description.dialect ?? {};
  const encoding = String(dialect.encoding ?? 'utf-8');
  let text = new TextDecoder(encoding === 'latin-1' ? 'windows-1252' : encoding).decode(packed);
  if (part) text = text.slice(0, text.lastIndexOf('\n') + 1);
  return parseUpload(text, set.columns.map((column) => column.name), set.builtin ? { header: 1 } : dialect);
}
