// After a judgement was taken: the focus goes back to where it was given, or to the line that says thank you.
export function afterJudging(form) {
  const again = form?.id ? document.getElementById(form.id)?.querySelector("button") : null;
  (again ?? document.getElementById("judgement-line"))?.focus({ preventScroll: true });
}
