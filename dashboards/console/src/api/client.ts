// The people's door over HTTP: typed by path from the generated schema, one error shape.
import type { paths } from './schema';
import type { Problem } from './types';

/** What the server refused, or why it could not be asked. Shown by `ProblemNote`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(`${status} ${problem.code}`);
  }
}

type Method = 'get' | 'post';
type PathOf<M extends Method> = { [P in keyof paths]: paths[P] extends { [K in M]: object } ? P : never }[keyof paths];
type Operation<P extends keyof paths, M extends Method> = M extends keyof paths[P] ? paths[P][M] : never;
type JsonOf<T> = T extends { content: { 'application/json': infer J } } ? J : undefined;
type Answer<O> = O extends { responses: { 200: infer R } } ? JsonOf<R> : undefined;
type Body<O> = O extends { requestBody: infer R } ? JsonOf<R> : undefined;
type Query<O> = O extends { parameters: { query?: infer Q } } ? Q : never;

/** Requests give up after this long, ms; the person keeps the typed text and may press again (same idempotency key). */
const REQUEST_TIMEOUT_MS = 8_000;

const offline = (cause: string): ApiError =>
  new ApiError(0, {
    code: 'UNREACHABLE',
    message_zh: '未能连上服务器，操作未提交',
    message_en: 'the server was not reached; nothing was submitted',
    field: '',
    hint: cause,
    trace_id: '',
  });

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'message_zh' in value;
}

async function problemOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  if (isProblem(body)) return new ApiError(response.status, body);
  return new ApiError(response.status, {
    code: `HTTP_${response.status}`,
    message_zh: '服务器返回了无法识别的错误',
    message_en: 'the server answered with an error it did not explain',
    field: '',
    hint: '',
    trace_id: '',
  });
}

async function request(path: string, init: RequestInit, timeoutMs = REQUEST_TIMEOUT_MS): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, credentials: 'same-origin', signal: AbortSignal.timeout(timeoutMs) });
  } catch (cause) {
    throw offline(cause instanceof Error ? cause.message : String(cause));
  }
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? undefined : await response.json();
}

type PathValues = Readonly<Record<string, string>>;

function fill(path: string, values: PathValues, query: Record<string, unknown> | undefined): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) if (value != null) params.set(key, String(value));
  const text = params.toString();
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? '')) + (text ? `?${text}` : '');
}

/** GET; `path` fills `{id}` and its like. */
export async function get<P extends PathOf<'get'>>(
  path: P,
  options: { path?: PathValues; query?: Query<Operation<P, 'get'>> } = {},
): Promise<Answer<Operation<P, 'get'>>> {
  const query = options.query as Record<string, unknown> | undefined;
  return (await request(fill(path, options.path ?? {}, query), {})) as Answer<Operation<P, 'get'>>;
}

/** POST; `key` makes a repeat harmless (the server answers the first outcome again). */
export async function post<P extends PathOf<'post'>>(
  path: P,
  body: Body<Operation<P, 'post'>>,
  options: { path?: PathValues; key?: string } = {},
): Promise<Answer<Operation<P, 'post'>>> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (options.key) headers['idempotency-key'] = options.key;
  const init = { method: 'POST', headers, body: body === undefined ? undefined : JSON.stringify(body) };
  return (await request(fill(path, options.path ?? {}, undefined), init)) as Answer<Operation<P, 'post'>>;
}

/** DELETE; the server answers with nothing. */
export async function del(path: string): Promise<void> {
  await request(path, { method: 'DELETE' });
}

/** GET of a path given as text, for answers whose shape the caller names. */
export async function getJson<T>(path: string, query?: Record<string, unknown>): Promise<T> {
  return (await request(fill(path, {}, query), {})) as T;
}

/** POST of a path given as text; `key` as in `post`. */
export async function postJson<T>(path: string, body: unknown, key: string): Promise<T> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  return (await request(path, { method: 'POST', headers, body: JSON.stringify(body) })) as T;
}

/** GET of a file's bytes. */
export async function getBlob(path: string): Promise<{ blob: Blob; headers: Headers }> {
  const response = await fetch(path, { credentials: 'same-origin', signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) }).catch((cause: unknown) => {
    throw offline(cause instanceof Error ? cause.message : String(cause));
  });
  if (!response.ok) throw await problemOf(response);
  return { blob: await response.blob(), headers: response.headers };
}

/** A photo over a phone line may take this long, ms. */
const UPLOAD_TIMEOUT_MS = 60_000;

/** POST of a file as it is; the server decides by its first bytes what it is. */
export async function postFile<T>(path: string, file: Blob, key: string): Promise<T> {
  const headers = { 'content-type': file.type || 'application/octet-stream', 'idempotency-key': key };
  return (await request(path, { method: 'POST', headers, body: file }, UPLOAD_TIMEOUT_MS)) as T;
}

/** 128 random bits as hex; `crypto.randomUUID` is absent on plain http (console.md §3.4). */
export function idempotencyKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
}
