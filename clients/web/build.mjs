// Makes dist/ from src/: the same bytes from the same sources and package-lock.json, on every machine.
//   node build.mjs [FOLDER]      FOLDER: where to, dist where it is absent
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, 'dist'));
process.chdir(here);
mkdirSync(out, { recursive: true });

await build({
  entryPoints: { app: 'src/main.tsx' },
  outdir: out,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  charset: 'utf8',
  legalComments: 'none', // LICENCES.txt has them all
  logLevel: 'warning',
});

// The packages whose code is in the bundle, with their licences as they ship them.
const licences = ['preact', 'uplot'].map((name) => {
  const folder = join('node_modules', name);
  const { version, license, homepage } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const text = readFileSync(join(folder, 'LICENSE'), 'utf8').trim();
  return `${name} ${version} (${license}) ${homepage ?? ''}\n\n${text}\n`;
});
writeFileSync(join(out, 'LICENCES.txt'), 'The dashboard of qlstmd is under the Apache License 2.0. In it are:\n\n' +
  licences.join('\n----\n\n'));
writeFileSync(join(out, 'icon.svg'), readFileSync('src/icon.svg'));

// The page names its parts by version, so that browsers may keep them for ever (server/web/assets.h).
const version = (name) => createHash('sha256').update(readFileSync(join(out, name))).digest('hex').slice(0, 12);
const page = readFileSync('src/index.html', 'utf8')
  .replace(/\/assets\/([\w.]+)/g, (path, name) => `${path}?v=${version(name)}`);
writeFileSync(join(out, 'index.html'), page);
