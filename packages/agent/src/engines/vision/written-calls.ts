import type { ToolSet } from 'ai';
import { asSchema } from 'ai';
import type { ModelCall } from './proposal.ts';

/**
 * Tool calls for servers that cannot carry them: tools go into the instructions, calls come back as text in
 * `<tool_call>{"name": …, "arguments": …}</tool_call>`, the form Qwen and Hermes models are trained on. The same
 * form is understood when a model writes it although its server has tool calling.
 */
export async function toolsInWords(tools: ToolSet): Promise<string> {
  const lines: string[] = [];
  for (const [name, tool] of Object.entries(tools)) {
    const parameters = await asSchema(tool.inputSchema).jsonSchema;
    const { description } = tool;
    lines.push(JSON.stringify({ type: 'function', function: { name, description, parameters } }));
  }
  return [
    `You act by calling functions. These are available:\n<tools>\n${lines.join('\n')}\n</tools>`,
    'For each call write a JSON object with the function’s name and arguments between <tool_call> and </tool_call>, for example:\n<tool_call>\n{"name": "key_press", "arguments": {"keys": ["enter"]}}\n</tool_call>',
  ].join('\n\n');
}

/** The calls written in a text, and the words before them. */
export function readWrittenCalls(
  text: string,
  newId: () => string,
): Readonly<{ thought: string; calls: readonly ModelCall[] }> {
  const calls: ModelCall[] = [];
  const blocks = [...text.matchAll(/<tool_call>\s*([\s\S]*?)\s*(?:<\/tool_call>|$)/g)];
  const found = blocks.length > 0 ? blocks : [...text.matchAll(/```(?:json)?\s*(\{[\s\S]*?\})\s*```/g)];
  for (const [, body = ''] of found) {
    const call = readCall(body, newId);
    if (call !== null) calls.push(call);
  }
  const first = found[0];
  if (calls.length === 0 || first === undefined) {
    const bare = text.trim();
    const call = bare.startsWith('{') && bare.endsWith('}') ? readCall(bare, newId) : null;
    return call === null ? { thought: bare, calls: [] } : { thought: '', calls: [call] };
  }
  return { thought: text.slice(0, first.index).trim(), calls };
}

function readCall(body: string, newId: () => string): ModelCall | null {
  try {
    const value = JSON.parse(body) as { name?: unknown; arguments?: unknown; parameters?: unknown };
    if (typeof value.name !== 'string') return null;
    return {
      id: newId(),
      name: value.name,
      input: value.arguments ?? value.parameters ?? {},
      malformed: false,
    };
  } catch {
    const name = /"name"\s*:\s*"([^"]{1,60})"/.exec(body)?.[1];
    return name === undefined ? null : { id: newId(), name, input: {}, malformed: true };
  }
}
