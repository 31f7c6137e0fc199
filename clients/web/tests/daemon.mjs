// The real daemon as a child process, and a small client for it.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

const BUILD = process.env.QLSTM_BUILD;

export async function poll(question, what, seconds = 120) {
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; ) {
    const answer = await question();
    if (answer) return answer;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

export class Daemon {
  start(...options) {
    this.folder = mkdtempSync(join(tmpdir(), 'qlstm-web-'));
    this.options = options;
    return this.listen('127.0.0.1:0');
  }

  async listen(address) {
    this.process = spawn(join(BUILD, 'qlstmd'), ['--data', join(this.folder, 'data'), '--listen', address, ...this.options], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = await once(this.process.stdout, 'data');
    this.url = /http:\S+/.exec(String(line))[0];
    return this;
  }

  async kill() {
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }

  /** After `kill`, where it was. */
  back() {
    return this.listen(new URL(this.url).host);
  }

  async stop() {
    this.process.kill('SIGTERM');
    await once(this.process, 'exit');
    rmSync(this.folder, { recursive: true });
  }

  keys(...words) {
    return execFileSync(join(BUILD, 'qlstmd'), ['key', ...words, '--data', join(this.folder, 'data')], { encoding: 'utf8' });
  }

  key(name, scope, ...more) {
    return /qlstmd_\w+_[\w-]+/.exec(this.keys('add', name, '--scope', scope, ...more))[0];
  }

  async call(method, path, body, headers = { 'Content-Type': 'application/json' }) {
    const reply = await fetch(this.url + path, { method, body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body), headers });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${method} ${path}: ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  submit(spec) {
    return this.call('POST', '/experiments', spec).then((made) => made.id);
  }

  async train(spec) {
    const id = await this.submit(spec);
    return poll(async () => {
      const run = await this.call('GET', `/experiments/${id}`);
      return run.terminal ? run : null;
    }, `experiment ${id}`);
  }
}
