"""A FAT16 file system with one file in it, the same bytes every time: what an EFI system partition needs."""
import struct

SECTOR = 512
ROOT_ENTRIES = 512
LEAST_CLUSTERS, MOST_CLUSTERS = 4200, 65000     # by their number alone a reader knows it as FAT16: 4085 to 65524
DATA_ALIGN = 8                  # sectors: the file begins on a page
DATE = 0x0021                   # 1 January 1980
DIRECTORY, ARCHIVE, LABEL = 0x10, 0x20, 0x08
END_OF_CHAIN = 0xFFFF


def _entry(name, attributes, cluster, size=0):
    return struct.pack("<11sBBBHHHHHHHI", name, attributes, 0, 0, 0, DATE, DATE, 0, 0, DATE, cluster, size)


def _short_name(name):
    stem, _, extension = name.partition(".")
    return f"{stem:8}{extension:3}".encode()


def _geometry(skipped, data_bytes):
    """(sectors in a cluster, clusters, sectors in a FAT, sectors before the first FAT)."""
    per_cluster = 1
    while skipped + -(-data_bytes // (per_cluster * SECTOR)) > MOST_CLUSTERS:
        per_cluster *= 2
    clusters = max(LEAST_CLUSTERS, skipped + -(-data_bytes // (per_cluster * SECTOR)))
    table = -(-(clusters + 2) * 2 // SECTOR)
    fixed = 2 * table + ROOT_ENTRIES * 32 // SECTOR
    return per_cluster, clusters, table, DATA_ALIGN - fixed % DATA_ALIGN


def make(path, data, hidden_sectors):
    """The file system with `data` at this path ("EFI/BOOT/BOOTX64.EFI"), for a partition that begins there."""
    *folders, name = path.split("/")
    # A folder takes one cluster; the file begins where the next page does.
    first = 2 + -(-len(folders) // DATA_ALIGN) * DATA_ALIGN
    per_cluster, clusters, table, reserved = _geometry(first - 2, len(data))
    cluster_bytes = per_cluster * SECTOR
    used = max(1, -(-len(data) // cluster_bytes))
    total = reserved + 2 * table + ROOT_ENTRIES * 32 // SECTOR + clusters * per_cluster

    boot = bytearray(SECTOR)
    struct.pack_into("<3s8sHBHBHHBHHHII", boot, 0, b"\xeb\xfe\x90", b"RACLETTE", SECTOR, per_cluster, reserved, 2,
                     ROOT_ENTRIES, total if total < 1 << 16 else 0, 0xF8, table, 63, 255, hidden_sectors,
                     total if total >= 1 << 16 else 0)
    struct.pack_into("<BBBI11s8s", boot, 36, 0x80, 0, 0x29, 0x524C4554, _short_name("RACLETTE"), b"FAT16   ")
    boot[510:] = b"\x55\xaa"

    chain = [0xFFF8, END_OF_CHAIN] + [END_OF_CHAIN] * len(folders) + [0] * (first - 2 - len(folders))
    chain += [*range(first + 1, first + used), END_OF_CHAIN]
    fat = struct.pack(f"<{len(chain)}H", *chain)
    root = _entry(_short_name("RACLETTE"), LABEL, 0)

    def cluster_at(number):
        return (reserved + 2 * table) * SECTOR + ROOT_ENTRIES * 32 + (number - 2) * cluster_bytes

    image = bytearray(total * SECTOR)
    image[:SECTOR] = boot
    for copy in range(2):
        at = (reserved + copy * table) * SECTOR
        image[at:at + len(fat)] = fat
    at, above = (reserved + 2 * table) * SECTOR, 0
    content = root
    for depth, folder in enumerate(folders):
        content += _entry(_short_name(folder), DIRECTORY, 2 + depth)
        image[at:at + len(content)] = content
        at = cluster_at(2 + depth)
        content = _entry(b".          ", DIRECTORY, 2 + depth) + _entry(b"..         ", DIRECTORY, above)
        above = 2 + depth
    content += _entry(_short_name(name), ARCHIVE, first, len(data))
    image[at:at + len(content)] = content
    image[cluster_at(first):cluster_at(first) + len(data)] = data
    return bytes(image)


def content(path, image):
    """Reads the file back, by its folders' entries; the file lies in one piece."""
    per_cluster, reserved, _, entries, _, _, table = struct.unpack_from("<BHBHHBH", image, 13)
    data_at = (reserved + 2 * table) * SECTOR + entries * 32
    at, size = (reserved + 2 * table) * SECTOR, entries * 32
    for name in path.split("/"):
        directory = image[at:at + size]
        entry = directory.index(_short_name(name)) // 32 * 32
        cluster, size = struct.unpack_from("<HI", directory, entry + 26)
        at, size = data_at + (cluster - 2) * per_cluster * SECTOR, size or per_cluster * SECTOR
    return image[at:at + size]
