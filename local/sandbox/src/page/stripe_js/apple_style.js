// How the button and the sheet look. They live in shadow roots, so that the shop's styles stay out of them.

const appleStyle = (text) => {
  // A sheet that a script constructs needs no exception in the page's content security policy.
  const style = new CSSStyleSheet();
  style.replaceSync(text);
  return style;
};

const BUTTON_STYLE = `
  :host { display: block; }
  button { display: block; width: 100%; border: 1px solid #000; border-radius: var(--sandbox-button-radius, .75rem); background: #000; color: #fff;
    font: 600 1.02rem/1.2 -apple-system, "Helvetica Neue", Arial, "Liberation Sans", sans-serif; cursor: pointer; }
  button:hover { background: #2b2b2e; }
  button:focus-visible { outline: 3px solid #1b62c4; outline-offset: 3px; }
  button.white, button.white-outline { border-color: #fff; background: #fff; color: #000; }
  button.white-outline { border-color: #000; }
  @media (prefers-color-scheme: dark) { button.auto { border-color: #fff; background: #fff; color: #000; } button.auto:hover { background: #e3e3e6; } }
`;

const SHEET_STYLE = `
  :host { all: initial; }
  dialog { box-sizing: border-box; width: min(26rem, 100% - 2rem); max-height: calc(100% - 2rem); margin: auto; padding: 1.25rem; border: 0; border-radius: 1.1rem;
    background: #f5f5f7; color: #1d1d1f; color-scheme: light; font: 400 .95rem/1.45 -apple-system, "Helvetica Neue", Arial, "Liberation Sans", sans-serif; box-shadow: 0 24px 70px #0006; overflow-y: auto; }
  dialog::backdrop { background: #0008; }
  .label { display: inline-block; margin: 0; padding: .15rem .6rem; border-radius: 1rem; background: #fff3d1; color: #6b4a00; font-size: .8rem; font-weight: 600; }
  h2 { margin: .7rem 0 .9rem; font-size: 1.2rem; line-height: 1.25; }
  h2:focus { outline: none; }
  p, dl, dd { margin: 0; }
  .box { margin-bottom: .7rem; padding: .8rem 1rem; border-radius: .8rem; background: #fff; }
  .card { display: flex; align-items: center; gap: .8rem; }
  .chip { flex: none; width: 2.6rem; height: 1.7rem; border-radius: .3rem; background: linear-gradient(135deg, #3b5bdb, #1f2f6b); }
  .soft { color: #5f5f66; font-size: .85rem; }
  dl > div { display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; padding-block: .45rem; }
  dl > div + div { border-top: 1px solid #e5e5ea; }
  dd { text-align: right; font-variant-numeric: tabular-nums; }
  dd.note { grid-column: 1 / -1; text-align: left; color: #5f5f66; font-size: .85rem; }
  .total { display: flex; justify-content: space-between; align-items: center; gap: 1rem; margin: .9rem .2rem; }
  .total b { font-size: 1.3rem; text-align: right; }
  a { color: #0059b8; overflow-wrap: anywhere; }
  .foot { position: sticky; bottom: -1.25rem; margin: 0 -.5rem -1.25rem; padding: .1rem .5rem 1rem; background: #f5f5f7; }
  .buttons { display: grid; gap: .5rem; }
  [hidden] { display: none; }
  button { min-height: 2.9rem; padding: .5rem 1rem; border: 1px solid #c7c7cc; border-radius: .75rem; background: #fff; color: inherit; font: inherit; font-weight: 600; cursor: pointer; }
  button:hover { background: #ececf0; }
  button:focus-visible { outline: 3px solid #1b62c4; outline-offset: 2px; }
  button.approve { border-color: #000; background: #000; color: #fff; }
  button.approve:hover { background: #2b2b2e; }
  button.decline { font-size: .88rem; }
  button.cancel { border-color: transparent; background: none; color: #0059b8; }
  .status:empty { display: none; }
  .status { margin-bottom: .7rem; text-align: center; font-weight: 600; }
  .status.failed { color: #a1260d; }
  @media (max-width: 40rem) { dialog { width: 100%; max-width: 100%; margin: auto 0 0; border-radius: 1.1rem 1.1rem 0 0; } }
`;
