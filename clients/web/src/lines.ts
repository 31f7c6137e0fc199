// The same request as a line of shell and as a line of Python.

const quoted = (text: string) => `'${text.replace(/'/g, `'\\''`)}'`;

export function curlLine(spec: unknown, origin: string, withKey: boolean): string {
  const header = withKey ? ` \\\n  -H "Authorization: Bearer $QLSTM_KEY"` : '';
  return `curl -d ${quoted(JSON.stringify(spec))}${header} \\\n  ${origin}/experiments`;
}

/** JSON as Python writes it. */
export function python(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (typeof value === 'object') return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${python(one)}`).join(', ')}}`;
  return JSON.stringify(value);
}

export function pythonLine(spec: unknown, origin: string, withKey: boolean): string {
  const key = withKey ? ', key=os.environ["QLSTM_KEY"]' : '';
  return `import ${withKey ? 'os, ' : ''}qlstm\n\nclient = qlstm.Client(${JSON.stringify(origin)}${key})\nrun = client.submit(${python(spec)}).wait()\nweights = run.weights()`;
}
