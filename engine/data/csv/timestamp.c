/* Dates and times. */
#include "engine/data/csv/timestamp.h"

#include <string.h>
#include <strings.h>

struct cursor {
	const char *at, *end;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits from `least` to `most`, no more following; -1: none such. */
static int read_digits(struct cursor *cursor, int least, int most, int *count)
{
	int n = 0, value = 0;
	while (cursor->at + n < cursor->end && is_digit(cursor->at[n]) && n <= most)
		value = value * 10 + (cursor->at[n++] - '0');
	if (n < least || n > most)
		return -1;
	cursor->at += n;
	if (count != NULL)
		*count = n;
	return value;
}

static bool take(struct cursor *cursor, char c)
{
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

/* Days from 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms"). */
static long days_from_civil(long year, int month, int day)
{
	year -= month <= 2;
	long era = (year >= 0 ? year : year - 399) / 400;
	long of_era = year - era * 400;
	long of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_day(int year, int month, int day)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month >= 1 && month <= 12 && day >= 1 && day <= lengths[month - 1] + (month == 2 && leap);
}

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* The number of a month whose name, or its first three letters, stands here, a point behind it taken too; 0: none. */
static int read_month_name(struct cursor *cursor)
{
	static const char *const names[][12] = {{"january", "february", "march", "april", "may", "june", "july",
	                                         "august", "september", "october", "november", "december"},
	                                        {"januar", "februar", "m\xc3\xa4rz", "april", "mai", "juni", "juli",
	                                         "august", "september", "oktober", "november", "dezember"}};
	size_t left = (size_t)(cursor->end - cursor->at), n = 0;
	while (n < left && (is_letter(cursor->at[n]) || (cursor->at[n] & 0x80) != 0))
		n++;
	for (size_t k = 0; n >= 3 && k < 24; k++) {
		const char *name = names[k / 12][k % 12];
		size_t brief = (name[1] & 0x80) != 0 ? 4 : 3; /* bytes */
		if ((n != brief && n != strlen(name)) || strncasecmp(cursor->at, name, n) != 0)
			continue;
		cursor->at += n;
		if (cursor->at < cursor->end && *cursor->at == '.')
			cursor->at++;
		return (int)(k % 12) + 1;
	}
	return 0;
}

static double seconds_of(int year, int month, int day)
{
	return is_day(year, month, day) ? 86400.0 * (double)days_from_civil(year, month, day) : 0;
}

static bool set_date(struct timestamp *out, int year, int month, int day)
{
	out->has_date = out->day_first = out->month_first = is_day(year, month, day);
	out->seconds_day_first = out->seconds_month_first = seconds_of(year, month, day);
	return out->has_date;
}

/* Two digits of a year are those of 1970 to 2069. */
static int read_year(struct cursor *cursor)
{
	int digits = 0, year = read_digits(cursor, 2, 4, &digits);
	if (digits == 3)
		return -1;
	return digits == 2 ? year + (year < 70 ? 2000 : 1900) : year;
}

/* Behind "DD-": a month's name or number, and the year. "31. Januar 2020" has a blank behind the point. */
static bool read_day_month_year(struct cursor *cursor, int first, char mark, struct timestamp *out)
{
	bool blank = mark == '.' && take(cursor, ' ');
	int month = read_month_name(cursor);
	bool named = month > 0;
	int second = named ? month : blank ? -1 : read_digits(cursor, 1, 2, NULL);
	if (second < 0 || !take(cursor, blank ? ' ' : mark))
		return false;
	int year = read_year(cursor);
	if (year < 0)
		return false;
	if (named)
		return set_date(out, year, month, first);
	out->day_first = is_day(year, second, first);
	out->month_first = is_day(year, first, second);
	out->has_date = out->day_first || out->month_first;
	out->seconds_day_first = seconds_of(year, second, first);
	out->seconds_month_first = seconds_of(year, first, second);
	return out->has_date;
}

/* Four digits; -1: none. */
static int read_whole_year(struct cursor *cursor)
{
	return read_digits(cursor, 4, 4, NULL);
}

/* "January 31, 2020", "Jan 2020", "Jan-2020". */
static bool read_named_month(struct cursor *cursor, struct timestamp *out)
{
	int month = read_month_name(cursor), digits = 0;
	char mark = cursor->at < cursor->end ? *cursor->at : '\0';
	if (month == 0 || (mark != ' ' && mark != '-'))
		return false;
	cursor->at++;
	int first = read_digits(cursor, 1, 4, &digits);
	if (digits == 4)
		return set_date(out, first, month, 1);
	bool comma = take(cursor, ','), apart = take(cursor, mark) || comma;
	int year = first > 0 && digits <= 2 && apart ? read_whole_year(cursor) : -1;
	return year >= 0 && set_date(out, year, month, first);
}

/* Behind "Q": the first day of that quarter. */
static bool read_quarter(struct cursor *cursor, int *month)
{
	int quarter = read_digits(cursor, 1, 1, NULL);
	*month = 3 * quarter - 2;
	return quarter >= 1 && quarter <= 4;
}

/* "Q1 2020", "Q1-2020" */
static bool read_quarter_first(struct cursor *cursor, struct timestamp *out)
{
	int month = 0;
	cursor->at++;
	if (!read_quarter(cursor, &month) || (!take(cursor, ' ') && !take(cursor, '-')))
		return false;
	int year = read_whole_year(cursor);
	return year >= 0 && set_date(out, year, month, 1);
}

/* The Monday of a week; the first week has the year's fourth of January. */
static bool set_week(struct timestamp *out, int year, int week)
{
	long fourth = days_from_civil(year, 1, 4);
	long monday = fourth - ((fourth % 7 + 7 + 3) % 7) + 7L * (week - 1);
	out->has_date = out->day_first = out->month_first = week >= 1 && week <= 53;
	out->seconds_day_first = out->seconds_month_first = 86400.0 * (double)monday;
	return out->has_date;
}

/* Behind a year: "-Q1", "Q1", " Q1", "-W05", "W05"; 0: none of these, 1: read, -1: it is one, and a wrong one. */
static int read_year_part(struct cursor *cursor, int year, struct timestamp *out)
{
	const char *at = cursor->at + (*cursor->at == '-' || *cursor->at == ' ');
	char letter = at < cursor->end ? (char)(*at & ~0x20) : '\0';
	int month = 0;
	if (letter != 'Q' && letter != 'W')
		return 0;
	cursor->at = at + 1;
	if (letter == 'Q')
		return read_quarter(cursor, &month) && set_date(out, year, month, 1) ? 1 : -1;
	int week = read_digits(cursor, 2, 2, NULL);
	return week > 0 && set_week(out, year, week) ? 1 : -1;
}

static bool read_date(struct cursor *cursor, struct timestamp *out)
{
	if ((*cursor->at | 0x20) == 'q')
		return read_quarter_first(cursor, out);
	if (!is_digit(*cursor->at))
		return read_named_month(cursor, out);
	int digits = 0, first = read_digits(cursor, 1, 4, &digits);
	char mark = cursor->at < cursor->end ? *cursor->at : '\0';
	int part = digits == 4 && mark != '\0' ? read_year_part(cursor, first, out) : 0;
	if (part != 0)
		return part > 0;
	if (first < 0 || digits == 3 || mark == '\0' || strchr("-/. ", mark) == NULL)
		return false;
	cursor->at++;
	if (digits <= 2)
		return read_day_month_year(cursor, first, mark, out);
	if (mark == ' ')
		return false;
	int month = read_digits(cursor, 1, 2, NULL);
	if (month < 0)
		return false;
	if (!take(cursor, mark))
		return mark != '.' && set_date(out, first, month, 1); /* 2020-01 */
	int day = read_digits(cursor, 1, 2, NULL);
	return day >= 0 && set_date(out, first, month, day);
}

/* "Z", "+02:00", "-0530": seconds to be subtracted; false for what is none. */
static bool read_zone(struct cursor *cursor, double *seconds)
{
	*seconds = 0;
	if (cursor->at == cursor->end || take(cursor, 'Z'))
		return true;
	if (cursor->end - cursor->at == 4 && memcmp(cursor->at, " UTC", 4) == 0) {
		cursor->at = cursor->end;
		return true;
	}
	double sign = *cursor->at == '-' ? -1 : 1;
	if (!take(cursor, '+') && !take(cursor, '-'))
		return false;
	if (cursor->end - cursor->at < 2 || !is_digit(cursor->at[0]) || !is_digit(cursor->at[1]))
		return false;
	int hours = (cursor->at[0] - '0') * 10 + cursor->at[1] - '0';
	cursor->at += 2;
	take(cursor, ':');
	int minutes = cursor->at < cursor->end ? read_digits(cursor, 2, 2, NULL) : 0;
	*seconds = sign * (3600.0 * hours + 60.0 * minutes);
	return minutes >= 0;
}

/* Blanks, and "AM" or "PM" of a clock of 12 hours; false where the hour is none of it. */
static bool read_half(struct cursor *cursor, int *hour)
{
	const char *at = cursor->at;
	while (at < cursor->end && *at == ' ')
		at++;
	if (cursor->end - at < 2 || (at[1] | 0x20) != 'm' || ((at[0] | 0x20) != 'a' && (at[0] | 0x20) != 'p'))
		return true;
	if (*hour < 1 || *hour > 12)
		return false;
	*hour = *hour % 12 + ((at[0] | 0x20) == 'p' ? 12 : 0);
	cursor->at = at + 2;
	return true;
}

static bool read_time(struct cursor *cursor, double *seconds)
{
	double zone = 0, second = 0;
	int hour = read_digits(cursor, 1, 2, NULL);
	if (hour < 0 || hour > 24 || !take(cursor, ':'))
		return false;
	int minute = read_digits(cursor, 2, 2, NULL);
	if (minute < 0 || minute > 59)
		return false;
	if (take(cursor, ':')) {
		int whole = read_digits(cursor, 2, 2, NULL);
		if (whole < 0 || whole > 60)
			return false;
		second = whole;
		double unit = 0.1;
		if (take(cursor, '.') || take(cursor, ','))
			for (; cursor->at < cursor->end && is_digit(*cursor->at); unit *= 0.1)
				second += unit * (*cursor->at++ - '0');
	}
	if (!read_half(cursor, &hour) || !read_zone(cursor, &zone))
		return false;
	*seconds = 3600.0 * hour + 60.0 * minute + second - zone;
	return true;
}

bool timestamp_parse(const char *text, size_t length, struct timestamp *out)
{
	struct cursor cursor = {text, text + length};
	*out = (struct timestamp){0};
	if (length < 4 || length > 40 || (!is_digit(*text) && !is_letter(*text)))
		return false;
	if (!read_date(&cursor, out)) {
		*out = (struct timestamp){.day_first = true, .month_first = true};
		cursor.at = text;
	} else if (cursor.at == cursor.end) {
		return true;
	} else if (!take(&cursor, 'T')) {
		if (!take(&cursor, ' '))
			return false;
	}
	double seconds = 0;
	if (!read_time(&cursor, &seconds) || cursor.at != cursor.end)
		return false;
	out->has_time = true;
	out->seconds_day_first += seconds;
	out->seconds_month_first += seconds;
	return true;
}
