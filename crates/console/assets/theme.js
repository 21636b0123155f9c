// Before the first paint, so that nobody sees the other colours first.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("quorate-theme"); } catch { /* private windows have no storage */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
