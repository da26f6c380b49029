// The second that plays stands in the field, unless somebody is writing there.
export function mountSecondNow(root) {
  const field = root.querySelector("[data-second-now]");
  const player = field?.closest("[data-player]");
  if (!player || field.dataset.mounted) return;
  field.dataset.mounted = "yes";
  for (const media of player.querySelectorAll("[data-media]")) {
    const follow = () => {
      if (document.activeElement !== field) field.value = timecode(media.currentTime);
    };
    media.addEventListener("timeupdate", follow);
    if (media.currentTime > 0) follow(); // it was quicker than this script
  }
}

function timecode(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
