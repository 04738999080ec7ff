// Runs in the head, before anything is painted: the stylesheet takes its colours from this attribute.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const colour = () => { document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light"; };
colour();
dark.addEventListener("change", colour);
document.documentElement.classList.add("has-script");

// A second click on a form that is already on its way does nothing; coming back to the page gives it back.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (event.submitter && event.submitter.formTarget) return; // it is shown in a frame, and this page stays
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// What stands in a field is copied; where the browser does not let us (no HTTPS), it is selected for the keyboard.
document.addEventListener("click", async (event) => {
  const button = event.target.closest && event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try { await navigator.clipboard.writeText(field.value); } catch { if (!document.execCommand("copy")) return; }
  const words = button.firstChild;
  words.data = "Copied";
  window.setTimeout(() => { words.data = "Copy"; }, 2000);
});

// When the last figures have come, the page shows the buttons that fit them.
document.addEventListener("done", (event) => {
  if (event.target.closest && event.target.closest("[data-live]")) window.location.reload();
});
