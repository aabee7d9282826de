"""Every route of the studio, as public or authenticated, for the checks of the server."""

from ddpm_clip.server.http.access import AUTHENTICATED, PUBLIC
from ddpm_clip.studio.routes import gallery, maps, page, runs, sources

ROUTERS = (gallery.router, maps.router, runs.router, sources.router, page.router)

ROUTES = {
    "/": PUBLIC,  # the page itself, which then asks for a key where one is needed
    "/static/{path:path}": PUBLIC,
    "/api/gallery": AUTHENTICATED,
    "/api/gallery/zip": AUTHENTICATED,
    "/api/gallery/{id}": AUTHENTICATED,
    "/api/gallery/{id}.png": AUTHENTICATED,
    "/api/ask": AUTHENTICATED,
    "/api/map": AUTHENTICATED,
    "/api/map/place": AUTHENTICATED,
    "/api/map/pictures/{row}.png": AUTHENTICATED,
    "/api/sources": AUTHENTICATED,
    "/api/uploads": AUTHENTICATED,
    "/api/uploads/{id}": AUTHENTICATED,
    "/api/scan": AUTHENTICATED,
    "/api/runs": AUTHENTICATED,
    "/api/runs/{id}": AUTHENTICATED,
    "/api/runs/{id}/events": AUTHENTICATED,
    "/api/runs/{id}/stop": AUTHENTICATED,
    "/api/runs/{id}/resume": AUTHENTICATED,
    "/api/runs/{id}/open": AUTHENTICATED,
    "/api/runs/{id}/samples/{step}.png": AUTHENTICATED,
}
"""Every route of the studio, by its path."""
