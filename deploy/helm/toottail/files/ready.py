"""What `helm test` runs: asks the API and the pages whether they work.

Arguments: HOST:PORT of the API, HOST:PORT of the pages, the name that the pages answer to, and for
how many seconds to ask. The API's answer is about the database, the keys and the workers, too.
"""

import http.client
import sys
import time


def status(place: str, path: str, host: str) -> str:
    """The status of one answer, or why there was none."""
    connection = http.client.HTTPConnection(place, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host})
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({error})"
    finally:
        connection.close()


def is_well(place: str, path: str, host: str, until: float) -> bool:
    """Whether it is answered with 200 before ``until``; says what came of it."""
    while (told := status(place, path, host)) != "200" and time.monotonic() < until:
        time.sleep(2)
    print(f"{place}{path}: {told}", flush=True)
    return told == "200"


api, web, name, seconds = sys.argv[1:]
end = time.monotonic() + float(seconds)
well = [is_well(*one, end) for one in ((api, "/readyz", api), (web, "/", name))]
sys.exit(0 if all(well) else 1)
