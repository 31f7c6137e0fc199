// The page's sources as a module that Node runs.
import { build } from 'esbuild';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(dirname(fileURLToPath(import.meta.url)));

export async function bundle(...names) {
  const folder = mkdtempSync(join(tmpdir(), 'qlstm-web-'));
  const outfile = join(folder, 'bundle.mjs');
  const contents = names.map((name) => `export * from './src/${name}';`).join('\n');
  await build({ stdin: { contents, resolveDir: here }, bundle: true, format: 'esm', outfile, jsx: 'automatic', jsxImportSource: 'preact', loader: { '.css': 'empty' }, define: { matchMedia: 'String' } });
  return import(pathToFileURL(outfile).href);
}
