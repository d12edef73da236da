import { PanelProcess, panelRun } from '@deskhand/overlay/testing';
import { describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { SCENES, stagePanel } from '../helpers/panel-stage.ts';

describe('what a person does at the panel', () => {
  const stage = stagePanel();

  it('does not move STOP while text of any length comes and goes', async () => {
    await stage.show('running');
    const before = await stage.box('.stop-button');
    stage.fake.setDaemon({ run: panelRun({ task: 'word '.repeat(3000) }) });
    stage.fake.step({ step: 13, action: 'Type '.repeat(100), thought: 'thought '.repeat(400) });
    await stage.says('.thought q', 'thought');
    expect(await stage.box('.stop-button')).toEqual(before);
    await stage.page.locator('.thought summary').click();
    expect(await stage.box('.stop-button')).toEqual(before);
  });

  it('stops from the keyboard alone', async () => {
    await stage.show('running');
    await stage.startTabbing();
    await stage.page.keyboard.press('Tab');
    await stage.page.keyboard.press('Enter');
    await eventually(() => stage.fake.guard.messages('stop').length > 1);
    await stage.page.waitForSelector('.mode-stopped');
  });

  it('says that a stop is not confirmed, and which key to press, without moving the button', async () => {
    await stage.show('running', { fresh: true });
    const before = await stage.box('.stop-button');
    stage.fake.guard.onMessage = () => [];
    stage.fake.daemon.onMessage = () => [];
    await stage.pressStop();
    await stage.says('.stop-note', 'NOT CONFIRMED');
    expect(await stage.page.locator('.stop-note').textContent()).toContain('Ctrl+Alt+Shift+Esc');
    expect(await stage.box('.stop-button')).toEqual(before);
    expect(stage.fake.guard.messages('stop').length).toBeGreaterThan(0);
  });

  it('still tries every path from a panel that looks dead', async () => {
    await stage.show('controls_lost', { fresh: true });
    expect(await stage.page.locator('.stop.inactive').count()).toBe(1);
    await stage.page.locator('.stop-button').dispatchEvent('pointerdown');
    await eventually(() => stage.commands().includes('stop'));
    await eventually(() => stage.latched);
  });

  it('notices a host that hangs with its socket open', async () => {
    await stage.show('running');
    stage.panel.child.kill('SIGSTOP');
    try {
      await stage.page.waitForSelector('.mode-controls_lost');
    } finally {
      stage.panel.child.kill('SIGCONT');
    }
    await stage.page.waitForSelector('.mode-running');
  });

  describe('awaiting a human', () => {
    it('does not take an answer in the first moment, nor Enter for a yes', async () => {
      await stage.show('idle');
      const early = pressedAt('.approve');
      await SCENES.awaiting_human?.(stage.fake);
      expect(await early).toBe('true');
      await stage.page.waitForSelector('.approve[aria-disabled="false"]');
      await stage.page.locator('.approve').focus();
      await stage.page.keyboard.press('Enter');
      await stage.page.locator('textarea').focus();
      await stage.page.keyboard.press('Enter');
      await stage.page.keyboard.press('Control+Enter');
      await stage.page.locator('textarea').fill('only the newer one');
      expect(stage.commands()).not.toContain('approve');
      await stage.page.locator('.approve').click();
      await eventually(() => stage.commands().includes('approve'));
      expect(stage.fake.daemon.messages('command').at(-1)).toMatchObject({
        name: 'approve',
        requestId: 'req_1',
        digest: 'd1',
        note: 'only the newer one',
        runId: panelRun().id,
      });
    });

    it('puts the focus on Deny, which says no', async () => {
      await stage.show('awaiting_human');
      await stage.settled();
      expect(await stage.focused()).toBe('deny');
      await stage.page.keyboard.press('Enter');
      await eventually(() => stage.commands().includes('deny'));
    });

    it('is unarmed again, and its note empty, when the request changes under the hand', async () => {
      await stage.show('awaiting_human');
      await stage.settled();
      await stage.page.locator('textarea').fill('yes');
      const early = pressedAt('.approve[aria-disabled="true"]');
      stage.fake.setDaemon({
        run: panelRun({
          status: 'awaiting_human',
          awaitingReason: 'Another?',
          ask: { requestId: 'req_1', digest: 'd2', application: 'Terminal', action: 'Run “rm”' },
        }),
      });
      expect(await early).toBe('true');
      expect(await stage.page.locator('textarea').inputValue()).toBe('');
      await stage.settled();
      expect(stage.commands()).not.toContain('approve');
    });

    it('lets a yes reach as far as the person says', async () => {
      await stage.show('awaiting_human');
      await stage.settled();
      await stage.page.getByText('More choices').click();
      await stage.page.getByRole('button', { name: 'Allow for this run' }).click();
      await eventually(() => stage.commands().includes('approve'));
      expect(stage.fake.daemon.messages('command').at(-1)).toMatchObject({ scope: 'run', digest: 'd1' });
    });

    it('answers an open question with a note, and asks for no scope', async () => {
      await stage.show('running');
      stage.fake.setDaemon({
        run: panelRun({ status: 'awaiting_human', awaitingReason: 'Which colour?', ask: null }),
      });
      await stage.page.waitForSelector('.approve[aria-disabled="false"]');
      expect(await stage.page.getByRole('button', { name: 'Allow for this run' }).count()).toBe(0);
      await stage.page.locator('textarea').fill('green');
      await stage.page.getByRole('button', { name: 'Answer' }).click();
      await eventually(() => stage.commands().includes('approve'));
      expect(stage.fake.daemon.messages('command').at(-1)).toMatchObject({ note: 'green' });
      expect(stage.fake.daemon.messages('command').at(-1)).not.toHaveProperty('scope');
    });

    it('reaches every control of a state with Tab alone', async () => {
      await stage.show('awaiting_human');
      await stage.settled();
      await stage.startTabbing();
      const reached: string[] = [];
      for (let press = 0; press < 9; press += 1) {
        await stage.page.keyboard.press('Tab');
        reached.push(await stage.focused());
      }
      expect(reached[0]).toBe('stop-button');
      expect(reached.indexOf('deny')).toBe(reached.indexOf('textarea') + 1);
      expect(reached.indexOf('approve')).toBe(reached.indexOf('deny') + 1);
      expect(reached).toContain('summary');
    });
  });

  describe('reset', () => {
    it('needs a hold of a second', async () => {
      await stage.show('stopped');
      // Let go after a third of it, by the page's own clock: however slow the computer, that comes first.
      await stage.page.locator('.reset').evaluate(async (button) => {
        const page = globalThis as unknown as { PointerEvent: new (type: string, init: object) => Event };
        const fire = (type: string) =>
          (button as unknown as EventTarget).dispatchEvent(new page.PointerEvent(type, { bubbles: true }));
        fire('pointerdown');
        await new Promise((resolve) => setTimeout(resolve, 330));
        fire('pointerup');
      });
      await stage.page.waitForSelector('.reset:not(.holding)');
      expect(stage.fake.guard.messages('reset')).toHaveLength(0);
      const reset = await stage.box('.reset');
      await stage.page.mouse.move(reset.x + 20, reset.y + 10);
      await stage.page.mouse.down();
      await stage.page.waitForSelector('.holding');
      await eventually(() => stage.fake.guard.messages('reset').length === 1);
      await stage.page.mouse.up();
    });

    it('can be held on the keyboard', async () => {
      await stage.show('stopped');
      await stage.page.locator('.reset').focus();
      await stage.page.keyboard.down('Space');
      await eventually(() => stage.fake.guard.messages('reset').length === 1);
      await stage.page.keyboard.up('Space');
    });

    it('[KILL9] asks for a code where no hand is felt, and sends what the person typed', async () => {
      await stage.show('stopped');
      const likeGuard = stage.fake.guard.onMessage;
      stage.fake.guard.onMessage = (message) => {
        if (message.type === 'challenge')
          return [{ type: 'code', id: message.id, code: '0042', ttlMs: 60_000 }];
        if (message.type === 'reset' && message.code !== '0042')
          return [{ type: 'refused', id: message.id, code: 'INSUFFICIENT_SCOPE', message: 'No hand.' }];
        return likeGuard(message);
      };
      await stage.page.locator('.reset').dispatchEvent('click');
      await stage.page.locator('.reset').dispatchEvent('click');
      await stage.says('.code-entry', '0042');
      await stage.page.locator('.code-entry input').pressSequentially('0042');
      await eventually(() => stage.fake.guard.messages('reset').length === 2);
      expect(stage.fake.guard.messages('reset')[1]).toMatchObject({ by: 'panel', code: '0042' });
      await stage.page.waitForSelector('.code-entry', { state: 'detached' });
    });

    it('asks twice where nothing can be held', async () => {
      await stage.show('stopped');
      await stage.page.locator('.reset').dispatchEvent('click');
      expect(stage.fake.guard.messages('reset')).toHaveLength(0);
      await stage.page.locator('.reset').dispatchEvent('click');
      await eventually(() => stage.fake.guard.messages('reset').length === 1);
    });
  });

  it.each([
    ['running', 'Pause', 'pause'],
    ['running', 'Take over', 'takeover'],
    ['paused', 'Resume', 'resume'],
    ['paused', 'Take over', 'takeover'],
    ['takeover', 'Hand back', 'hand_back'],
    ['awaiting_human', 'Take over', 'takeover'],
  ])('%s: the button “%s” gives the command %s', async (mode, label, command) => {
    await stage.show(mode);
    if (mode === 'awaiting_human') await stage.page.getByText('More choices').click();
    await stage.page.getByRole('button', { name: label }).click();
    await eventually(() => stage.commands().includes(command));
  });

  it('says so when its own process is gone, and comes back with it', async () => {
    await stage.show('running');
    const port = new URL(stage.panel.url).port;
    await stage.panel.end('SIGKILL');
    await stage.page.waitForSelector('.mode-controls_lost');
    await stage.page.locator('.stop-button').dispatchEvent('pointerdown');
    await stage.says('.stop-note', 'NOT CONFIRMED');
    stage.panel = await PanelProcess.start(stage.fake.dataDir, {
      env: stage.fake.env,
      args: ['--port', port],
    });
    // Its sessions went with the old process: the window says where a fresh link is.
    await stage.says('main', 'panel-link.html');
    await stage.page.goto(stage.panel.url);
    await stage.page.waitForSelector('.mode-running');
  });

  /** Clicks something in the very moment it is on the page, faster than any hand. @returns its `aria-disabled` then. */
  function pressedAt(selector: string): Promise<string | null> {
    return stage.page.evaluate(`new Promise((resolve) => {
      const look = () => {
        const button = document.querySelector(${JSON.stringify(selector)});
        if (button === null) return;
        observer.disconnect();
        button.click();
        resolve(button.getAttribute('aria-disabled'));
      };
      const observer = new MutationObserver(look);
      observer.observe(document.body, { subtree: true, childList: true, attributes: true });
    })`);
  }
});
