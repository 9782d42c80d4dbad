// On a phone the menu lies over the page; choosing a page closes it.
export default function () {
  const close = (event) => {
    if (!event.target.closest('[data-testid="stSidebarNavLink"]')) return;
    const bar = document.querySelector('[data-testid="stSidebar"]');
    if (bar && bar.getBoundingClientRect().width > window.innerWidth / 2) {
      bar.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
    }
  };
  document.addEventListener("click", close);
  return () => document.removeEventListener("click", close);
}
