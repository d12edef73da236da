/**
 * The scrubber. It only shows one of the steps that are in the page already; without it, all of them are shown.
 * Plain browser code as text: it is allowed by its hash and built by nobody.
 */
export const PAGE_SCRIPT = `
'use strict';
(() => {
  const steps = [...document.querySelectorAll('section.step')];
  const bar = document.querySelector('.bar');
  if (steps.length < 2) return;
  const range = bar.querySelector('input');
  const shown = bar.querySelector('output');
  const all = bar.querySelector('.all');
  let at = 0;
  const show = (index) => {
    at = Math.max(0, Math.min(steps.length - 1, index));
    for (const [i, step] of steps.entries()) step.classList.toggle('shown', i === at);
    range.value = String(at);
    const title = steps[at].querySelector('h2').textContent;
    range.setAttribute('aria-valuetext', title);
    shown.textContent = title + ' / ' + steps.length;
  };
  const single = (on) => {
    document.body.classList.toggle('one', on);
    all.setAttribute('aria-pressed', String(!on));
  };
  range.max = String(steps.length - 1);
  range.addEventListener('input', () => { single(true); show(Number(range.value)); });
  bar.querySelector('.before').addEventListener('click', () => { single(true); show(at - 1); });
  bar.querySelector('.after').addEventListener('click', () => { single(true); show(at + 1); });
  all.addEventListener('click', () => single(!document.body.classList.contains('one')));
  document.addEventListener('keydown', (event) => {
    if (event.target.closest('input, button') || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'ArrowLeft') show(at - 1);
    else if (event.key === 'ArrowRight') show(at + 1);
    else if (event.key === 'Home') show(0);
    else if (event.key === 'End') show(steps.length - 1);
    else return;
    single(true);
    event.preventDefault();
  });
  bar.hidden = false;
  single(true);
  const linked = steps.findIndex((step) => '#' + step.id === location.hash);
  show(linked === -1 ? 0 : linked);
})();
`;
