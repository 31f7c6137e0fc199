// The experiment's schema as fields of a form. Names, ranges, defaults and descriptions come from the service alone.

export interface Node {
  type?: string | string[];
  enum?: (string | number)[];
  const?: string;
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  maxLength?: number;
  minItems?: number;
  properties?: Record<string, Node>;
  items?: Node;
  oneOf?: Node[];
  anyOf?: Node[];
  $ref?: string;
  'x-default-by'?: Record<string, Record<string, unknown>>;
  'x-only-for'?: Record<string, unknown[]>;
}

export interface Schema extends Node {
  $defs: Record<string, Node>;
  properties: Record<string, Node>;
}

export type Values = Record<string, unknown>;

export function resolve(schema: Schema, node: Node): Node {
  if (!node.$ref) return node;
  const target = schema.$defs[node.$ref.replace('#/$defs/', '')] ?? {};
  const { $ref, ...rest } = node;
  return { ...target, ...rest };
}

export const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the sibling (or, from "/", the field of the whole) holds, or its default. */
function valueOf(schema: Schema, siblings: Record<string, Node>, values: Values, name: string, whole: Values): unknown {
  if (name.startsWith('/')) {
    let node: Node = schema, at: unknown = whole;
    for (const part of name.slice(1).split('/')) {
      node = resolve(schema, node.properties?.[part] ?? {});
      at = isObject(at) ? at[part] : undefined;
    }
    return at ?? node.default;
  }
  return values[name] ?? defaultOf(schema, siblings, values, name, whole);
}

/** The default of a field, also where it depends on another field; undefined: the service finds it. */
export function defaultOf(schema: Schema, siblings: Record<string, Node>, values: Values, name: string, whole: Values): unknown {
  const node = resolve(schema, siblings[name] ?? {});
  if (node.default !== undefined) return node.default;
  for (const [other, by] of Object.entries(node['x-default-by'] ?? {})) {
    const found = by[String(valueOf(schema, siblings, values, other, whole))];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether the field belongs to what its siblings say. */
export function applies(schema: Schema, siblings: Record<string, Node>, values: Values, name: string, whole: Values): boolean {
  const only = resolve(schema, siblings[name] ?? {})['x-only-for'] ?? {};
  return Object.entries(only).every(([other, allowed]) => allowed.includes(valueOf(schema, siblings, values, other, whole)));
}

export const variants = (schema: Schema, node: Node): Node[] =>
  (node.oneOf ?? node.anyOf ?? []).map((one) => resolve(schema, one));

/** "1 to 25", "more than 0, up to 100": the range of a number; '' where there is none. */
export function range(node: Node): string {
  const low = node.minimum !== undefined ? `${node.minimum}` : node.exclusiveMinimum !== undefined ? `more than ${node.exclusiveMinimum}` : '';
  const high = node.maximum !== undefined ? `${node.maximum}` : node.exclusiveMaximum !== undefined ? `less than ${node.exclusiveMaximum}` : '';
  if (low && high) return node.minimum !== undefined && node.maximum !== undefined ? `${low} to ${high}` : `${low}, ${node.maximum !== undefined ? 'up to ' : ''}${high}`;
  return low ? `from ${low}`.replace('from more', 'more') : high ? `up to ${high}` : '';
}

/** The value of what was typed; a text that is no number stays a text, and the service says what is wrong. */
export function read(node: Node, text: string): unknown {
  const types = ([] as string[]).concat(node.type ?? []);
  if (text === '') return undefined;
  if (types.includes('array')) {
    const items = ([] as string[]).concat(node.items?.type ?? []);
    const parts = text.split(',').map((part) => part.trim()).filter(Boolean);
    return items.length > 0 && items.every((type) => type === 'integer' || type === 'number') ? parts.map((part) => (Number.isNaN(Number(part)) ? part : Number(part))) : parts;
  }
  if ((types.includes('number') || types.includes('integer')) && text.trim() !== '' && !Number.isNaN(Number(text))) return Number(text);
  return text;
}

export const write = (value: unknown): string => (value === undefined ? '' : Array.isArray(value) ? value.map((one) => (isObject(one) ? JSON.stringify(one) : String(one))).join(', ') : isObject(value) ? JSON.stringify(value) : String(value));

/** The object with a member set, or without it where the value is undefined. */
export function put(values: Values, name: string, value: unknown): Values {
  const { [name]: _, ...rest } = values;
  return value === undefined ? rest : { ...values, [name]: value };
}

/** Without members that are empty objects: what a request has to say. */
export function sparse(values: Values): Values {
  const kept = Object.entries(values)
    .map(([name, value]) => [name, isObject(value) ? sparse(value) : value] as const)
    .filter(([, value]) => value !== undefined && !(isObject(value) && Object.keys(value).length === 0));
  return Object.fromEntries(kept);
}

/** A resolved spec with what is its default taken out again. */
export function pruned(schema: Schema, node: Node, values: Values, whole: Values): Values {
  const siblings = node.properties ?? {};
  const kept: Values = {};
  for (const [name, value] of Object.entries(values)) {
    const child = resolve(schema, siblings[name] ?? {});
    if (child.properties && isObject(value)) {
      const inner = pruned(schema, child, value, whole);
      if (Object.keys(inner).length > 0) kept[name] = inner;
    } else if (name === 'layers' && Array.isArray(value)) {
      const options = variants(schema, resolve(schema, child.items ?? {}));
      kept[name] = value.map((layer: Values) => {
        const kind = options.find((one) => one.properties?.type?.const === layer.type);
        return kind ? { type: layer.type, ...pruned(schema, kind, put(layer, 'type', undefined), whole) } : layer;
      });
    } else if (JSON.stringify(value) !== JSON.stringify(defaultOf(schema, siblings, values, name, whole))) {
      kept[name] = value;
    }
  }
  return kept;
}
