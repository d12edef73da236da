import { describe, expect, it } from 'vitest';
import { imageBytesOf } from './ask-model.ts';
import { type Carrier, Conversation, type Shown } from './conversation.ts';

const picture = (size: number) => ({ bytes: new Uint8Array(size), mediaType: 'image/jpeg' });
const screen = (text: string, size: number, details = ''): Shown => ({
  text,
  details,
  image: picture(size),
  kind: 'screen',
});
const call = (id: string, name = 'click') => ({ id, name, input: {}, malformed: false });
const reply = (id: string, name = 'click') => ({
  role: 'assistant' as const,
  content: [{ type: 'tool-call' as const, toolCallId: id, toolName: name, input: {} }],
});

function talk(carrier: Carrier, turns: number, more: Partial<Shown> = {}) {
  const conversation = new Conversation({ task: 'Task:\nx', carrier, keepImages: 2, keepExchanges: 5 });
  const name = carrier === 'functions' ? 'click' : 'computer';
  for (let turn = 1; turn <= turns; turn += 1) {
    conversation.show({ ...screen(`Screen ${turn}.`, turn, `List ${turn}`), ...more });
    if (turn === turns) break;
    conversation.reply(reply(`c${turn}`, name));
    conversation.answer([{ call: call(`c${turn}`, name), text: `result ${turn}`, isError: false }]);
  }
  return conversation;
}

describe('the conversation a model is shown', () => {
  it('holds the newest pictures and only the newest element list', () => {
    const messages = talk('functions', 4).messages();
    expect(imageBytesOf(messages)).toBe(3 + 4);
    const text = JSON.stringify(messages);
    expect(text.match(/List \d/g)).toEqual(['List 4']);
    expect(text.match(/An older screenshot is left out/g)).toHaveLength(2);
  });

  it('sums old exchanges up in a line each, results first', () => {
    const [first] = talk('functions', 9).messages();
    expect(JSON.stringify(first)).toContain(
      'Earlier steps, in short:\\n1. click: result 1\\n2. click: result 2',
    );
    expect(JSON.stringify(talk('functions', 9).messages())).not.toContain('Screen 3.');
  });

  it('keeps the full screenshot that places belong to, however many zooms came after it', () => {
    const conversation = talk('functions', 1);
    for (const turn of [1, 2, 3]) {
      conversation.reply(reply(`z${turn}`, 'zoom'));
      conversation.answer([{ call: call(`z${turn}`, 'zoom'), text: 'See it.', isError: false }]);
      conversation.show({ text: 'zoomed', details: '', image: picture(100), kind: 'zoom' });
    }
    expect(imageBytesOf(conversation.messages())).toBe(1 + 100 + 100);
  });

  it('an unchanged picture is not sent again, except where the wire wants one', () => {
    for (const [carrier, bytes] of [
      ['functions', 1],
      ['anthropic_computer', 1],
      ['openai_computer', 2],
    ] as const) {
      const conversation = talk(carrier, 1);
      conversation.reply(reply('c', 'computer'));
      conversation.answer([{ call: call('c', 'computer'), text: 'no_effect', isError: false }]);
      conversation.show({ text: 'No visible change.', details: '', image: picture(1), kind: 'unchanged' });
      expect(imageBytesOf(conversation.messages()), carrier).toBe(bytes);
    }
  });

  it('pictures go inside the result of a provider’s own tool', () => {
    const anthropic = talk('anthropic_computer', 2).messages();
    expect(anthropic.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'user']);
    expect(imageBytesOf(anthropic.slice(2, 3))).toBe(2);
    expect(imageBytesOf(anthropic.slice(3))).toBe(0);
    const openai = talk('openai_computer', 5).messages();
    // The first exchanges have lost their pictures and are told in words.
    expect(JSON.stringify(openai)).toContain('What became of it');
    expect(openai.filter(({ role }) => role === 'tool')).toHaveLength(2);
  });

  it('a server without tool calls gets no tool message, backwards too', () => {
    const conversation = talk('functions', 3);
    conversation.carryAs('words');
    const roles = conversation.messages().map(({ role }) => role);
    expect(roles).toEqual(['user', 'assistant', 'user', 'assistant', 'user']);
    expect(JSON.stringify(conversation.messages())).toContain('What became of it:\\nclick: result 2');
  });

  it('shrinks until nothing is left to leave out', () => {
    const conversation = talk('functions', 9);
    expect(conversation.shrink()).toBe(true);
    expect(imageBytesOf(conversation.messages())).toBe(9);
    expect(conversation.shrink()).toBe(false);
  });
});
