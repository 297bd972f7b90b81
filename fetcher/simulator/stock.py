"""A library as accounts have it: folders in folders, titles of every kind, videos that no task may ask for."""

import random
from typing import Final

from fetcher.simulator.library import ROOT, Category, Library, Video

_SUBJECTS: Final = (
    "数学",
    "Physics",
    "History/Politics",
    "语文 课程",
    "🎬 Film",
    "مواد",
    "a.mp4",
    "CON",
    "..",
    "Übung",
)
_TITLES: Final = (
    "第{n}课:导论",
    "Lesson {n} / part 2",
    "Introduction",
    "introduction",
    "🎬 Finale 👩\u200d🏫 {n}",
    "C:\\videos\\{n}.mp4",
    "../../{n}",
    "{n}? <b>*",
    "e\u0301tude {n}",
    "étude {n}",
    "trailing dots...",
    "很长的标题" * 60,
    "",
)
_UNPUBLISHED: Final = (10, 20, 50, 51, -1)


def stock(
    library: Library,
    *,
    videos: int = 1000,
    categories: int = 40,
    unpublished_every: int = 50,
    failing_every: int = 0,
    size: int = 2000,
    seed: int = 0,
) -> list[Video]:
    """Put videos in categories on the shelf, and return them, the oldest first.

    Args:
        library: Where.
        videos: How many.
        categories: How many folders, each right below the root or in another one.
        unpublished_every: One in so many is not published, by each of Polyv's statuses in turn; 0 for none.
        failing_every: One in so many fails in every task; 0 for none.
        size: Bytes of the smallest; no two have the same.
        seed: Of what is left to chance.
    """
    chance = random.Random(seed)
    folders = _folders(library, categories, chance)
    return [
        library.add_video(
            title=_TITLES[number % len(_TITLES)].format(n=number // len(_TITLES)),
            category_id=chance.choice(folders).category_id if folders else ROOT,
            size=size + number,
            extension=(".mp4", ".MOV", ".flv")[number % 3],
            # Some share a second, as uploads in bulk do.
            created_at=1_600_000_000.0 + number // 3,
            status=_status(number, unpublished_every),
            fails=failing_every > 0 and number % failing_every == failing_every - 1,
        )
        for number in range(videos)
    ]


def _folders(library: Library, count: int, chance: random.Random) -> list[Category]:
    folders: list[Category] = []
    for number in range(count):
        above = chance.choice([ROOT, *(folder.category_id for folder in folders[-5:])])
        folders.append(library.add_category(_SUBJECTS[number % len(_SUBJECTS)], parent_id=above))
    return folders


def _status(number: int, unpublished_every: int) -> int:
    if unpublished_every and number % unpublished_every == 0:
        return _UNPUBLISHED[number // unpublished_every % len(_UNPUBLISHED)]
    return 60 if number % 7 == 0 else 61
