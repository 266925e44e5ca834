-- Grand Bend: one district of three schools, one school year. Made-up people, the same ones every time.

WITH wanted (kind, codevalue, description) AS (
    VALUES
        ('GradeLevel', 'Ninth grade', 'Ninth grade'), ('GradeLevel', 'Tenth grade', 'Tenth grade'),
        ('GradeLevel', 'Eleventh grade', 'Eleventh grade'), ('GradeLevel', 'Twelfth grade', 'Twelfth grade'),
        ('GradeLevel', 'Third grade', 'Third grade'), ('GradeLevel', 'Seventh grade', 'Seventh grade'),
        ('Sex', 'Female', 'Female'), ('Sex', 'Male', 'Male'), ('Sex', 'Not selected', 'Not selected'),
        ('Term', 'Fall Semester', 'Fall Semester'), ('Term', 'Spring Semester', 'Spring Semester'),
        ('AcademicSubject', 'Mathematics', 'Mathematics'), ('AcademicSubject', 'Science', 'Science'),
        ('AcademicSubject', 'English Language Arts', 'English Language Arts'),
        ('AcademicSubject', 'Social Studies', 'Social Studies'),
        ('StaffClassification', 'Teacher', 'Teacher'), ('StaffClassification', 'Principal', 'Principal')
)
INSERT INTO edfi.descriptor (namespace, codevalue, shortdescription, description, discriminator)
SELECT 'uri://ed-fi.org/' || kind || 'Descriptor', codevalue, description, description, 'edfi.' || kind || 'Descriptor'
FROM wanted;

INSERT INTO edfi.gradeleveldescriptor
SELECT descriptorid FROM edfi.descriptor WHERE discriminator = 'edfi.GradeLevelDescriptor';
INSERT INTO edfi.sexdescriptor
SELECT descriptorid FROM edfi.descriptor WHERE discriminator = 'edfi.SexDescriptor';
INSERT INTO edfi.termdescriptor
SELECT descriptorid FROM edfi.descriptor WHERE discriminator = 'edfi.TermDescriptor';
INSERT INTO edfi.academicsubjectdescriptor
SELECT descriptorid FROM edfi.descriptor WHERE discriminator = 'edfi.AcademicSubjectDescriptor';
INSERT INTO edfi.staffclassificationdescriptor
SELECT descriptorid FROM edfi.descriptor WHERE discriminator = 'edfi.StaffClassificationDescriptor';

INSERT INTO edfi.schoolyeartype (schoolyear, schoolyeardescription, currentschoolyear)
SELECT year, (year - 1) || '-' || year, year = 2026 FROM generate_series(2024, 2027) AS year;

INSERT INTO edfi.educationorganization (educationorganizationid, nameofinstitution, shortnameofinstitution, discriminator)
VALUES
    (31, 'Texas Education Agency', 'TEA', 'edfi.StateEducationAgency'),
    (255901, 'Grand Bend ISD', 'GBISD', 'edfi.LocalEducationAgency'),
    (255901001, 'Grand Bend High School', 'GBHS', 'edfi.School'),
    (255901044, 'Grand Bend Middle School', 'GBMS', 'edfi.School'),
    (255901107, 'Grand Bend Elementary School', 'GBES', 'edfi.School');
INSERT INTO edfi.stateeducationagency VALUES (31);
INSERT INTO edfi.localeducationagency VALUES (255901, 31);
INSERT INTO edfi.school VALUES (255901001, 255901), (255901044, 255901), (255901107, 255901);

INSERT INTO edfi.schoolgradelevel (schoolid, gradeleveldescriptorid)
SELECT school.schoolid, descriptor.descriptorid
FROM (VALUES (255901001, 'Ninth grade'), (255901001, 'Tenth grade'), (255901001, 'Eleventh grade'),
             (255901001, 'Twelfth grade'), (255901044, 'Seventh grade'), (255901107, 'Third grade'))
     AS school (schoolid, grade)
JOIN edfi.descriptor ON descriptor.codevalue = school.grade;

INSERT INTO edfi.session
    (schoolid, schoolyear, sessionname, begindate, enddate, termdescriptorid, totalinstructionaldays)
SELECT school.schoolid, 2026, '2025-2026 ' || term.codevalue, term.begindate, term.enddate, descriptor.descriptorid, 88
FROM edfi.school
CROSS JOIN (VALUES ('Fall Semester', date '2025-08-18', date '2025-12-19'),
                   ('Spring Semester', date '2026-01-06', date '2026-05-28')) AS term (codevalue, begindate, enddate)
JOIN edfi.descriptor ON descriptor.codevalue = term.codevalue;

INSERT INTO edfi.course (coursecode, educationorganizationid, coursetitle, academicsubjectdescriptorid)
SELECT course.code, 255901, course.title, descriptor.descriptorid
FROM (VALUES ('MATH-1', 'Mathematics I', 'Mathematics'), ('MATH-2', 'Mathematics II', 'Mathematics'),
             ('SCI-1', 'Life Science', 'Science'), ('SCI-2', 'Physical Science', 'Science'),
             ('ELA-1', 'Reading and Writing', 'English Language Arts'), ('ELA-2', 'Literature', 'English Language Arts'),
             ('SOC-1', 'Geography', 'Social Studies'), ('SOC-2', 'World History', 'Social Studies'))
     AS course (code, title, subject)
JOIN edfi.descriptor ON descriptor.codevalue = course.subject;

INSERT INTO edfi.courseoffering (localcoursecode, schoolid, schoolyear, sessionname, coursecode, educationorganizationid)
SELECT course.coursecode, session.schoolid, session.schoolyear, session.sessionname,
       course.coursecode, course.educationorganizationid
FROM edfi.course CROSS JOIN edfi.session;

INSERT INTO edfi.section (localcoursecode, schoolid, schoolyear, sessionname, sectionidentifier, availablecredits)
SELECT localcoursecode, schoolid, schoolyear, sessionname, schoolid || '-' || localcoursecode || '-' || period, 1
FROM edfi.courseoffering CROSS JOIN generate_series(1, 2) AS period;

WITH names AS (
    SELECT array['Ana', 'Ben', 'Carla', 'Dev', 'Elena', 'Farid', 'Grace', 'Hiro', 'Imani', 'Jonas', 'Kaya', 'Liam',
                 'Mei', 'Noah', 'Olga', 'Priya', 'Quinn', 'Rosa', 'Sam', 'Tariq'] AS first,
           array['Alvarez', 'Brooks', 'Chen', 'Diaz', 'Evans', 'Fischer', 'Garcia', 'Hughes', 'Ibrahim', 'Jensen',
                 'Kim', 'Lopez', 'Meyer', 'Nguyen', 'Okafor', 'Patel', 'Reyes', 'Singh', 'Turner', 'Young',
                 'Zhang'] AS last
)
INSERT INTO edfi.student (studentuniqueid, firstname, lastsurname, birthdate)
SELECT (604820 + n)::text, first[1 + n % 20], last[1 + (n * 7) % 21], date '2008-09-01' + (n * 11) % 3600
FROM names CROSS JOIN generate_series(1, 600) AS n;

WITH names AS (
    SELECT array['Alice', 'Bruno', 'Cora', 'David', 'Emil', 'Fiona', 'Gus', 'Helen', 'Ivan', 'Judith'] AS first,
           array['Archer', 'Baker', 'Cole', 'Dunn', 'Ellis', 'Ford', 'Grant'] AS last
)
INSERT INTO edfi.staff (staffuniqueid, firstname, lastsurname, birthdate, sexdescriptorid)
SELECT (207000 + n)::text, first[1 + n % 10], last[1 + n % 7], date '1965-03-01' + (n * 173) % 11000, descriptorid
FROM names CROSS JOIN generate_series(1, 48) AS n
JOIN edfi.descriptor ON descriptor.codevalue = CASE n % 2 WHEN 0 THEN 'Female' ELSE 'Male' END;

INSERT INTO edfi.contact (contactuniqueid, firstname, lastsurname)
SELECT (777000 + studentusi)::text, 'Parent of ' || firstname, lastsurname FROM edfi.student;
INSERT INTO edfi.studentcontactassociation (contactusi, studentusi, primarycontactstatus, emergencycontactstatus)
SELECT contact.contactusi, student.studentusi, true, true
FROM edfi.student JOIN edfi.contact ON contact.contactuniqueid = (777000 + student.studentusi)::text;

WITH schools AS (
    SELECT schoolid, min(gradeleveldescriptorid) AS grade, row_number() OVER (ORDER BY schoolid) - 1 AS position
    FROM edfi.schoolgradelevel GROUP BY schoolid
)
INSERT INTO edfi.studentschoolassociation (entrydate, schoolid, studentusi, schoolyear, entrygradeleveldescriptorid)
SELECT date '2025-08-18', schools.schoolid, student.studentusi, 2026, schools.grade
FROM edfi.student JOIN schools ON schools.position = student.studentusi % 3;

INSERT INTO edfi.studentsectionassociation
    (begindate, localcoursecode, schoolid, schoolyear, sectionidentifier, sessionname, studentusi)
SELECT session.begindate, section.localcoursecode, section.schoolid, section.schoolyear, section.sectionidentifier,
       section.sessionname, enrolled.studentusi
FROM edfi.studentschoolassociation AS enrolled
JOIN edfi.section ON section.schoolid = enrolled.schoolid
    AND right(section.sectionidentifier, 1) = (1 + enrolled.studentusi % 2)::text
    AND section.localcoursecode IN ('MATH-1', 'SCI-1', 'ELA-1')
JOIN edfi.session ON session.schoolid = section.schoolid
    AND session.schoolyear = section.schoolyear AND session.sessionname = section.sessionname;

INSERT INTO edfi.staffschoolassociation (schoolid, staffusi, schoolyear)
SELECT (array[255901001, 255901044, 255901107])[1 + staffusi % 3], staffusi, 2026 FROM edfi.staff;

INSERT INTO edfi.staffeducationorganizationassignmentassociation
    (begindate, educationorganizationid, staffclassificationdescriptorid, staffusi, positiontitle)
SELECT date '2025-08-01', employed.schoolid, descriptor.descriptorid, employed.staffusi, descriptor.codevalue
FROM edfi.staffschoolassociation AS employed
JOIN edfi.descriptor ON descriptor.codevalue = CASE WHEN employed.staffusi <= 3 THEN 'Principal' ELSE 'Teacher' END;

WITH teachers AS (
    SELECT schoolid, staffusi, row_number() OVER (PARTITION BY schoolid ORDER BY staffusi) - 1 AS position
    FROM edfi.staffschoolassociation
), lessons AS (
    SELECT *, row_number() OVER (PARTITION BY schoolid ORDER BY sectionidentifier, sessionname) - 1 AS position
    FROM edfi.section
)
INSERT INTO edfi.staffsectionassociation
    (localcoursecode, schoolid, schoolyear, sectionidentifier, sessionname, staffusi)
SELECT lessons.localcoursecode, lessons.schoolid, lessons.schoolyear, lessons.sectionidentifier, lessons.sessionname,
       teachers.staffusi
FROM lessons JOIN teachers ON teachers.schoolid = lessons.schoolid AND teachers.position = lessons.position % 16;
