// Keeps the time line, the transcript and the recording in step. Without it the recording still plays.
const player = document.querySelector("[data-player]");
const sound = document.querySelector("#sound");

if (player && sound) {
  const length = Number(player.dataset.length) / 1000;
  const roll = player.querySelector(".roll");
  const lanes = player.querySelector(".lanes");
  const playhead = player.querySelector("#playhead");
  const sentences = [...document.querySelectorAll("[data-from]")];
  const width = Number(lanes.getAttribute("width"));

  const show = () => {
    const x = (sound.currentTime / length) * width;
    playhead.setAttribute("x1", x);
    playhead.setAttribute("x2", x);
    if (!sound.paused && (x < roll.scrollLeft || x > roll.scrollLeft + roll.clientWidth)) roll.scrollLeft = x - 40;
    const now = sound.currentTime * 1000;
    for (const one of sentences) {
      one.classList.toggle("heard-now", now >= Number(one.dataset.from) && now < Number(one.dataset.to));
    }
  };
  const step = () => {
    show();
    if (!sound.paused) requestAnimationFrame(step);
  };
  const go = (seconds) => {
    const jump = () => {
      sound.currentTime = Math.max(0, seconds);
      show();
      // A browser that will not play by itself shows its button; that is no fault.
      sound.play().catch(() => {});
    };
    if (sound.readyState) return jump();
    sound.addEventListener("loadedmetadata", jump, { once: true });
    sound.load();
  };

  sound.addEventListener("play", step);
  sound.addEventListener("seeked", show);
  lanes.addEventListener("click", (event) => {
    const box = lanes.getBoundingClientRect();
    go(((event.clientX - box.left) / box.width) * length);
  });
  for (const one of sentences) {
    const link = one.querySelector(".seek");
    link?.addEventListener("click", (event) => event.preventDefault());
    one.addEventListener("click", () => {
      if (!String(getSelection())) go(Number(one.dataset.from) / 1000);
    });
  }
  player.dataset.ready = "";
}
